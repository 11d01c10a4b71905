#!/bin/sh
# Times the commands that only read results on a study of 1,000 finished runs, beside the start of the JVM.
# The runs' figures are made up. Usage: scripts/thousand-runs.sh [DIR]
set -eu
cd "$(dirname "$0")/.."
dir=${1:-$(mktemp -d)}
[ -d "$dir/all" ] || ./knowcap warm-up --keep "$dir/all" --seeds 10

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
