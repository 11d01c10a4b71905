#!/bin/sh
# Compares two builds of Knowcap by the processor time of a training step of the cpu engine on one thread.
#
#   scripts/compare-builds.sh OLD NEW [ROUNDS]
#
# OLD and NEW are folders of two built working trees (git worktree add OLD COMMIT, then ./knowcap --version in each, which builds).
# For each precision and each of the quickstart's shapes it runs benchmarks/StepTime.java with the classes of OLD and of NEW in turn,
# ROUNDS times each (2), prints microseconds a step, the best of 20 stretches of 100 steps after 5 s, and the ratio of the best of each.
# Other work on the machine slows both down; processor time and turns keep the ratio nearly clear of it.
set -eu

if [ $# -lt 2 ]; then
  sed -n '4p;6,9p' "$0" | cut -c3- >&2
  exit 2
fi
old=$1
new=$2
rounds=${3:-2}
source=$(cd "$(dirname "$0")/../benchmarks" && pwd)/StepTime.java
for build in "$old" "$new"; do
  if ! ls "$build"/experiments/target/app/knowcap-models-*.jar > /dev/null 2>&1; then
    echo "$build has no build: run ./knowcap --version there first" >&2
    exit 1
  fi
done
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
case $("$java" -version 2>&1 | sed -n '1s/.*version "\([0-9]*\).*/\1/p') in
  2[5-9] | [3-9]?) ;;
  *) echo "$java is no JDK 25 or later: set JAVA_HOME to one" >&2; exit 1 ;;
esac
apart=
for class in Loops Tiles Strips NarrowNorms Activations RecurrenceLoops; do
  apart="$apart -XX:CompileCommand=dontinline,org.knowcap.models.engine.cpu.$class::*"
done
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive

# Microseconds of a step: build, precision, model.
measure() {
  "$java" --enable-native-access=ALL-UNNAMED --add-modules=jdk.incubator.vector -XX:+UseSerialGC \
    -XX:CompileCommand=quiet $apart -cp "$1/experiments/target/app/*" "$source" "$2" "$3" 150 64 8 5 20 2> "$said" ||
    { cat "$said" >&2; exit 1; }
}
said=$(mktemp)
trap 'rm -f "$said"' EXIT

for precision in fp32 bf16; do
  for model in gpt2-2-1-w16 gpt2-2-2-w16 gpt2-2-3-w16; do
    best_old= best_new=
    round=0
    while [ $round -lt "$rounds" ]; do
      a=$(measure "$old" $precision $model)
      b=$(measure "$new" $precision $model)
      echo "$precision $model: old $a; new $b"
      best_old=$(printf '%s\n%s\n' "$best_old" "${a%% *}" | grep . | sort -g | head -n 1)
      best_new=$(printf '%s\n%s\n' "$best_new" "${b%% *}" | grep . | sort -g | head -n 1)
      round=$((round + 1))
    done
    echo "$precision $model: $best_old / $best_new = $(echo "$best_old $best_new" | awk '{ printf "%.2f", $1 / $2 }')"
  done
done
