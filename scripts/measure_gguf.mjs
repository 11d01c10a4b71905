#!/usr/bin/env node
// Takes the losses of names and values of a GGUF file in llama.cpp, and the bits that the file then stores.
//
// FILE is what 'knowcap export RUN DIR --to gguf' wrote (DIR, or DIR/model.gguf). MEASURED is the folder of 'knowcap generate SPEC
// --measured --out MEASURED' for the run's study and seed: the texts in which people are measured, and the counts that bits are
// computed from. RESULT is a result.json of Knowcap, of the run or of one of its quantised models; with it the script prints R, and
// the differences from Knowcap's own losses and R, which are of the dequantised weights with exact activations.
//
//     npm install node-llama-cpp        # in some folder; run the script with NODE_PATH of it, or from it
//     node scripts/measure_gguf.mjs FILE MEASURED [RESULT] [--tolerance SHARE]
//
// Exit code 0 if R differs from RESULT's by at most this share of it (default 0.01), 1 if by more.

import {existsSync, readFileSync, statSync} from "node:fs";
import {join} from "node:path";
import {open} from "./llama_cpp.mjs";

const words = process.argv.slice(2);
const flag = words.indexOf("--tolerance");
const tolerance = flag < 0 ? 0.01 : Number(words.splice(flag, 2)[1]);
const [path, measured, result, ...more] = words;
if (!measured || more.length > 0 || !(tolerance > 0)) {
  stop("usage: node measure_gguf.mjs FILE MEASURED [RESULT] [--tolerance SHARE]");
}

function stop(why) {
  console.error(why);
  process.exit(2);
}

function read(file) {
  if (!existsSync(file)) {
    stop(`${file} is not there`);
  }
  return readFileSync(file, "utf8");
}

const about = JSON.parse(read(join(measured, "measured.json")));
const texts = read(join(measured, "measured.jsonl")).trim().split("\n").map(line => JSON.parse(line));
const theirs = result ? JSON.parse(read(result)) : undefined;
// A quantised model's row has the run's inside.
const row = theirs?.result.parameters === undefined ? theirs?.result.run : theirs.result;
if (row && row.corpus !== about.corpus) {
  stop(`${result} is of ${row.corpus}, the texts of ${about.corpus}`);
}
if (!existsSync(path)) {
  stop(`${path} is not there`);
}
const file = statSync(path).isDirectory() ? join(path, "model.gguf") : path;
const {model, losses, close} = await open(file, Math.max(...texts.map(text => text.tokens.length)));
const rows = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
if (rows !== about.vocabulary) {
  stop(`${file} has ${rows} tokens, the texts ${about.vocabulary}: they are of another corpus`);
}

const sums = Object.fromEntries(about.parts.map(part => [part.part, 0]));
for (const {tokens, spans} of texts) {
  const after = await losses(tokens.slice(0, -1));
  for (const {part, start, end} of spans) {
    if (part in sums) {
      for (let token = start; token < end; token++) {
        sums[part] += after[token - 1](tokens[token]);
      }
    }
  }
}

let stored = 0, storedThere = 0;
for (const {part, per_item, count, uniform_bits, max_bits} of about.parts) {
  const loss = sums[part] / texts.length / per_item;
  const bits = count * (uniform_bits - loss / Math.LN2);
  stored += bits;
  const there = theirs?.parts.find(each => each.name === part)?.loss_nats;
  storedThere += count * (uniform_bits - there / Math.LN2);
  console.log(`${part.padEnd(10)} loss ${loss.toFixed(5)} nats, ${bits.toFixed(1)} of ${(count * max_bits).toFixed(1)} bits`
    + (theirs ? `; Knowcap: loss ${there.toFixed(5)}, difference ${(loss - there).toFixed(5)}` : ""));
}
await close();
if (!Number.isFinite(stored)) {
  console.log("WRONG: a loss is no number");
  process.exit(1);
}
if (!theirs) {
  console.log(`stored ${stored.toFixed(1)} bits; give Knowcap's result.json for R`);
  process.exit(0);
}
const difference = stored / storedThere - 1;
console.log(`stored ${stored.toFixed(1)} bits: R ${(stored / row.parameters).toFixed(4)} through llama.cpp, `
  + `${(storedThere / row.parameters).toFixed(4)} by Knowcap, ${(100 * difference).toFixed(2)} %`);
if (!(Math.abs(difference) <= tolerance)) {
  console.log(`WRONG: R differs by more than ${100 * tolerance} %`);
  process.exit(1);
}
process.exit(0);
