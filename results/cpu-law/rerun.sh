#!/bin/sh
# Measures the law of bits per parameter: a dense corpus whose strings leave room (64 of 4,096), windows of four whole texts
# (so that every exposure is complete), the best of several learning rates for each model, chosen on a seed of its own, five
# seeds where a claim is made, and corpora larger than a model can hold. About 150 minutes on two cores that do nothing else;
# a second call goes on where the first was stopped.
#
#   results/cpu-law/rerun.sh OUT          trains and measures; tables in OUT
#   results/cpu-law/rerun.sh --plan OUT   only shows what would run, with one learning rate for every model
set -eu
cd "$(dirname "$0")/../.."
verb=run
if [ "${1:-}" = --plan ]; then verb=plan; shift; fi
out=${1:?"give a directory for the studies and their tables"}
mkdir -p "$out"

study() { # name; the rest of the file on standard input
  { cat <<YAML
name: $1
corpus: {kind: bioD, attributes: 2, chunks: 8, diversity: 64, length: 2, alphabet: 64,
  pools: {first: 20, middle: 20, last: 100}}
exposures: 1000
engine: cpu
training: {batch_size: 4, context_length: 192, packing: whole}
YAML
  cat; } > "$out/$1.yaml"
  if [ $verb = plan ]; then ./knowcap plan "$out/$1.yaml"; else ./knowcap run "$out/$1.yaml" --out "$out/$1"; fi
}

# The best learning rate of a model, on a seed that is not measured again and on a corpus that the model cannot hold (at
# N = 1000 gpt2-2-3-w16 stores nearly all, so that its rates would differ by little).
study rates <<YAML
grids:
  - {models: gpt2-2-3-w16, corpus: {people: 2000}, seeds: 101, training: {learning_rate: [0.0015, 0.003, 0.006]}}
  - {models: gpt2-2-2-w16, corpus: {people: 1000}, seeds: 101, training: {learning_rate: [0.0015, 0.003, 0.006]}}
  - {models: gpt2-2-3-w8, corpus: {people: 1000}, seeds: 101, training: {learning_rate: [0.0015, 0.003, 0.006, 0.012]}}
  - {models: gpt2-2-1-w16, corpus: {people: 1000}, seeds: 101, training: {learning_rate: [0.0015, 0.003, 0.006, 0.012]}}
YAML

best() { # model
  if [ $verb = plan ]; then echo 0.003; return; fi
  # Names of corpora have commas: the table without quoted cells is easier to cut.
  sed 's/"[^"]*"/quoted/g' "$out/rates/results.csv" | awk -F, -v model="$1" '
    NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
    $column["model"] == model { print $column["capacity_ratio"], $column["learning_rate"] }' |
    sort -rn | head -1 | cut -d ' ' -f 2
}
d16=$(best gpt2-2-1-w16); d24=$(best gpt2-2-3-w8); d32=$(best gpt2-2-2-w16); d48=$(best gpt2-2-3-w16)
echo "learning rates: gpt2-2-1-w16 $d16, gpt2-2-3-w8 $d24, gpt2-2-2-w16 $d32, gpt2-2-3-w16 $d48"

# Five seeds where a claim is made: R^max is at least 3 there, so that the corpus is no limit; and five where R^max is 1.7,
# where the paper's models learn nearly the whole corpus. One seed at the other sizes. D log2 N < N for all of them, and
# N <= N0 / 10. Long runs come first, so that no core waits at the end.
study law <<YAML
grids:
  - {models: gpt2-2-3-w16, corpus: {people: 3000}, seeds: 1, training: {learning_rate: $d48}}
  - {models: gpt2-2-3-w16, corpus: {people: 2000}, seeds: [1, 2, 3, 4, 5], training: {learning_rate: $d48}}
  - {models: gpt2-2-2-w16, corpus: {people: 3000}, seeds: 1, training: {learning_rate: $d32}}
  - {models: gpt2-2-2-w16, corpus: {people: 2000}, seeds: [1, 2, 3, 4, 5], training: {learning_rate: $d32}}
  - {models: gpt2-2-3-w16, corpus: {people: 1000}, seeds: 1, training: {learning_rate: $d48}}
  - {models: gpt2-2-2-w16, corpus: {people: 1000}, seeds: 1, training: {learning_rate: $d32}}
  - {models: gpt2-2-2-w16, corpus: {people: 500}, seeds: [1, 2, 3, 4, 5], training: {learning_rate: $d32}}
  - {models: gpt2-2-3-w8, corpus: {people: 2000}, seeds: 1, training: {learning_rate: $d24}}
  - {models: gpt2-2-3-w8, corpus: {people: 1000}, seeds: [1, 2, 3, 4, 5], training: {learning_rate: $d24}}
  - {models: gpt2-2-3-w8, corpus: {people: 500}, seeds: 1, training: {learning_rate: $d24}}
  - {models: gpt2-2-1-w16, corpus: {people: 2000}, seeds: 1, training: {learning_rate: $d16}}
  - {models: gpt2-2-1-w16, corpus: {people: 1000}, seeds: [1, 2, 3, 4, 5], training: {learning_rate: $d16}}
  - {models: gpt2-2-1-w16, corpus: {people: 500}, seeds: 1, training: {learning_rate: $d16}}
YAML

if [ $verb = run ]; then ./knowcap results "$out/rates"; ./knowcap results "$out/law" --seeds; fi
