#!/usr/bin/env node
// Compares a model that 'knowcap export RUN DIR --to gguf --check' wrote with what llama.cpp makes of it.
//
// Loads DIR/model.gguf in llama.cpp (node-llama-cpp, on the CPU, with a key-value cache in fp32) and compares, on
// DIR/check.safetensors' random prompts, the loss (-ln p, in nats) of each target with Knowcap's, which are those of the
// weights that the file keeps. Then compares the tokens of DIR/check.json's texts, and the end of text.
//
//     npm install node-llama-cpp        # in some folder; run the script with NODE_PATH of it, or from it
//     node scripts/check_gguf_export.mjs DIR [--tolerance NATS]
//
// llama.cpp rounds activations too: to half precision before matrices in F16, to 8 bits before matrices in blocks (Q8_0, Q4_0,
// Q4_K); and it looks GELU up in a table of half precision. So losses of F32 may differ by 0.002 nats, of F16 by 0.05, of blocks
// by 0.5. Exit code 0 if all agree.

import {readFileSync} from "node:fs";
import {join} from "node:path";
import {open} from "./llama_cpp.mjs";

const [folder, flag, value] = process.argv.slice(2);
if (!folder || (flag && (flag !== "--tolerance" || !(Number(value) > 0)))) {
  console.error("usage: node check_gguf_export.mjs DIR [--tolerance NATS]");
  process.exit(2);
}

// Tensors of a safetensors file in fp32.
function tensors(file) {
  const bytes = readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const head = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8"));
  delete head.__metadata__;
  const data = bytes.subarray(8 + length);
  return Object.fromEntries(Object.entries(head).map(([name, {shape, data_offsets: [from, to]}]) =>
    [name, {shape, values: new Float32Array(data.buffer.slice(data.byteOffset + from, data.byteOffset + to))}]));
}

const expected = JSON.parse(readFileSync(join(folder, "check.json"), "utf8"));
const check = tensors(join(folder, "check.safetensors"));
const draws = Object.keys(check).filter(name => name.startsWith("losses.")).map(name => name.slice("losses.".length));
const [prompts, length] = check.prompts.shape;

const {model, losses, close} = await open(join(folder, "model.gguf"), length);

let worst = 0, sum = 0, squares = 0, count = 0;
for (let prompt = 0; prompt < prompts; prompt++) {
  const outputs = await losses(Array.from(check.prompts.values.subarray(prompt * length, (prompt + 1) * length)));
  outputs.forEach((lossOf, position) => {
    const at = prompt * length + position;
    for (const draw of draws) {
      const loss = lossOf(check["targets." + draw].values[at]);
      const difference = loss - check["losses." + draw].values[at];
      worst = Number.isNaN(difference) ? Infinity : Math.max(worst, Math.abs(difference));
      sum += difference;
      squares += difference * difference;
      count++;
    }
  });
}

const problems = [];
for (const {text, tokens} of expected.texts) {
  const found = Array.from(model.tokenize(text));
  if (JSON.stringify(found) !== JSON.stringify(tokens)) {
    problems.push(`tokens of ${JSON.stringify(text)} are ${found}, should be ${tokens}`);
  }
  if (model.detokenize(tokens) !== text) {
    problems.push(`text of ${tokens} is ${JSON.stringify(model.detokenize(tokens))}, should be ${JSON.stringify(text)}`);
  }
}
if (model.tokens.eos !== expected.end_of_text) {
  problems.push(`the end of text is ${model.tokens.eos}, should be ${expected.end_of_text}`);
}
// By general.file_type: F32, F16, blocks.
const tolerance = value ? Number(value) : [2e-3, 0.05][model.fileInfo.metadata.general.file_type] ?? 0.5;
if (worst > tolerance) {
  problems.push(`losses differ by up to ${worst.toPrecision(3)} nats, allowed are ${tolerance}`);
}
console.log(`${model.fileInfo.metadata.general.architecture}: ${count} losses in prompts of ${length} tokens differ by up to `
  + `${worst.toPrecision(3)} nats, by ${Math.sqrt(squares / count).toPrecision(3)} root mean square, by `
  + `${(sum / count).toPrecision(3)} on average; ${expected.texts.length} texts encoded`);
problems.forEach(problem => console.log("WRONG: " + problem));
await close();
process.exit(problems.length === 0 ? 0 : 1);
