#!/bin/sh
# Measures the law of bits per parameter again, by stricter rules than study.yaml: a dense corpus whose strings leave room
# (64 of 4,096), windows of four whole texts (so that every exposure is complete), the best of three learning rates for each
# model, chosen on a seed of its own, five seeds where a claim is made, and corpora larger than a model can hold.
# About two hours and a quarter on two cores that do nothing else; a second call goes on where the first was stopped.
#
#   results/cpu-law/rerun.sh OUT          trains and measures; tables in OUT
#   results/cpu-law/rerun.sh --plan OUT   only shows what would run, with the middle learning rate for every model
set -eu
cd "$(dirname "$0")/../.."
plan=
if [ "${1:-}" = --plan ]; then plan=1; shift; fi
out=${1:?"give a directory for the studies and their tables"}
mkdir -p "$out"

study() { # name models people seeds rate
  cat > "$out/$1.yaml" <<YAML
name: $1
corpus: {kind: bioD, people: $3, attributes: 2, chunks: 8, diversity: 64, length: 2, alphabet: 64,
  pools: {first: 20, middle: 20, last: 100}}
models: $2
exposures: 1000
seeds: $4
engine: cpu
training: {batch_size: 4, context_length: 192, packing: whole, learning_rate: $5}
YAML
  if [ -n "$plan" ]; then ./knowcap plan "$out/$1.yaml"; else ./knowcap run "$out/$1.yaml" --out "$out/$1"; fi
}

# The best learning rate of a model at N = 1000, on a seed that is not measured again.
rates="0.0015 0.003 0.006"
for rate in $rates; do
  study "rate-$rate" "[gpt2-2-1-w16, gpt2-2-2-w16, gpt2-2-3-w16]" 1000 101 "$rate"
done

best() { # model
  if [ -n "$plan" ]; then echo 0.003; return; fi
  for rate in $rates; do
    awk -F, -v model="$1" -v rate="$rate" '
      NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
      $column["model"] == model { print $column["capacity_ratio"], rate }' "$out/rate-$rate/table.csv"
  done | sort -rn | head -1 | cut -d ' ' -f 2
}
# Names of corpora have commas: the table without quoted cells is easier to cut.
if [ -z "$plan" ]; then
  for rate in $rates; do
    sed 's/"[^"]*"/quoted/g' "$out/rate-$rate/results.csv" > "$out/rate-$rate/table.csv"
  done
fi

five="[1, 2, 3, 4, 5]"
narrow=$(best gpt2-2-1-w16); thin=$(best gpt2-2-2-w16); wide=$(best gpt2-2-3-w16)
echo "learning rates: gpt2-2-1-w16 $narrow, gpt2-2-2-w16 $thin, gpt2-2-3-w16 $wide"
# Five seeds where a claim is made. R^max is at least 3 there, so that the corpus is no limit.
study narrow "[gpt2-2-1-w16]" "[1000]" "$five" "$narrow"
study thin "[gpt2-2-2-w16]" "[2000]" "$five" "$thin"
study wide "[gpt2-2-3-w16]" "[2000]" "$five" "$wide"
# One seed where the corpus nearly fits, and far beyond what a model can hold. D log2 N < N for all of them, and N <= N0 / 10.
study narrow-one "[gpt2-2-1-w16]" "[700, 2000]" "[1]" "$narrow"
study thin-one "[gpt2-2-2-w16]" "[700, 1000, 4000]" "[1]" "$thin"
study wide-one "[gpt2-2-3-w16]" "[1000, 4000]" "[1]" "$wide"

[ -n "$plan" ] || ./knowcap results "$out/narrow" "$out/thin" "$out/wide" "$out/narrow-one" "$out/thin-one" \
  "$out/wide-one" --seeds
