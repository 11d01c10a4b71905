#!/bin/sh
# Times the commands that only read results on a study of 1,000 finished runs, beside the start of the JVM.
# The runs are copies of one that is really trained (seconds). Usage: scripts/thousand-runs.sh [DIR]
set -eu
cd "$(dirname "$0")/.."
dir=${1:-$(mktemp -d)}
mkdir -p "$dir"

study() { # people exposures seeds
  cat <<YAML
name: thousand
corpus: {kind: bioS, people: $1}
models: [gpt2-1-1-w16, gpt2-2-1-w16]
exposures: $2
seeds: $3
training: {batch_size: 2, context_length: 64, learning_rate: 0.003, warmup_steps: 1}
YAML
}

study 4 10 1 > "$dir/one.yaml"
[ -d "$dir/one" ] || ./knowcap run "$dir/one.yaml" --out "$dir/one" > /dev/null
one=$(ls -d "$dir"/one/runs/*gpt2-1-1*)

mkdir -p "$dir/all/runs"
study "[10, 20, 30, 40, 50, 60, 70, 80, 90, 100]" "[10, 20, 50, 100, 200]" "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]" \
  > "$dir/all/study.yaml"
./knowcap status "$dir/all" --json | grep -o '"run":"[^"]*"' | cut -d '"' -f 4 > "$dir/names"
while read -r run; do
  mkdir -p "$dir/all/runs/$run"
  cp "$one/run.json" "$one/metrics.jsonl" "$dir/all/runs/$run/"
  rest=${run#bioS-}
  people=${rest%%_*}; rest=${rest#*_}
  model=${rest%%_*}; rest=${rest#*_e}
  exposures=${rest%%_*}; rest=${rest#*_s}
  seed=${rest%%-*}
  sed -e "s/\"run\" : \"[^\"]*\"/\"run\" : \"$run\"/" -e "s/\"model\" : \"[^\"]*\"/\"model\" : \"$model\"/" \
    -e "s/\"corpus\" : \"[^\"]*\"/\"corpus\" : \"bioS($people)\"/" \
    -e "s/\"people\" : [0-9]*/\"people\" : $people/" -e "s/\"exposures\" : [0-9]*/\"exposures\" : $exposures/" \
    -e "s/_seed\" : [0-9]*/_seed\" : $seed/" "$one/result.json" > "$dir/all/runs/$run/result.json"
done < "$dir/names"
echo "$(wc -l < "$dir/names") runs in $dir/all"

timed() { # command...
  best=
  for _ in 1 2 3; do
    began=$(date +%s%N)
    ./knowcap "$@" > /dev/null
    ms=$((($(date +%s%N) - began) / 1000000))
    if [ -z "$best" ] || [ "$ms" -lt "$best" ]; then best=$ms; fi
  done
  echo "$best ms: knowcap $*"
}

timed --version
timed status "$dir/all"
timed results "$dir/all"
timed curves "$dir/all"
timed report "$dir/all"
