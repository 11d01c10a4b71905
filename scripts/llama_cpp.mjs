// Losses of a GGUF file in llama.cpp (node-llama-cpp, on the CPU, with a key-value cache in fp32), for the scripts beside this one.
//
//     npm install node-llama-cpp        # in some folder; run the scripts with NODE_PATH of it, or from it

import {existsSync} from "node:fs";
import {join, resolve} from "node:path";
import {pathToFileURL} from "node:url";

async function llamaCpp() {
  const folders = [process.env.NODE_PATH, join(process.cwd(), "node_modules")].filter(Boolean);
  const found = folders.map(folder => join(folder, "node-llama-cpp", "dist", "index.js")).find(existsSync);
  if (!found) {
    console.error("node-llama-cpp is not there: npm install node-llama-cpp, and set NODE_PATH to its node_modules");
    process.exit(2);
  }
  return import(pathToFileURL(found));
}

// Loads a file, for texts of up to so many tokens.
export async function open(file, length) {
  const {getLlama, LlamaLogLevel} = await llamaCpp();
  const llama = await getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error});
  const model = await llama.loadModel({modelPath: resolve(file), gpuLayers: 0});
  const context = await model.createContext({contextSize: Math.max(256, length + 1), flashAttention: false, threads: 1,
    experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32"});
  const sequence = context.getSequence();

  // After each token of a text, which begins with the end of text: a function from a possible next token to -ln p, in nats.
  async function losses(tokens) {
    await sequence.clearHistory();
    const outputs = await sequence.controlledEvaluate(tokens.map(token => [token, {generateNext: {logits: true}}]));
    return outputs.map(output => {
      const logits = output.next.logits;
      const largest = Math.max(...logits.values());
      let total = 0;
      for (const logit of logits.values()) {
        total += Math.exp(logit - largest);
      }
      return token => largest + Math.log(total) - logits.get(token);
    });
  }

  return {model, losses, close: () => llama.dispose()};
}
