#!/bin/sh
# Checks and measures the cuda engine on a machine with an NVIDIA GPU that is borrowed for minutes. It needs the driver,
# python3 with PyTorch and transformers, and no Java: the kit that scripts/gpu-kit.sh packs brings a runtime.
#
#     gpu-check.sh A DIR     does it work, how fast is it, where does the time go: at most 6 minutes
#     gpu-check.sh B DIR     after repairs: longer speeds, runs that train as one, a point of the paper, exports: at most 7
#
# Options before A or B:
#     --kit FILE      the kit, a folder or an archive (default: the folder of this script, or gpu-kit.tar.xz beside it)
#     --budget S      seconds for all of it
#     --tiny          models, shapes and a study so small that an emulated GPU does them: to try this script, not to measure
#
# DIR has at most 8 files, each at most 16 MiB, and each is of use whenever this is ended. Whatever ends this script, SIGKILL
# too, what it has started ends within seconds:
#     gpu.jsonl, gpu.json, README.md    what 'knowcap bench gpu' measured
#     check.log                         what was done and said, with times
#     sanitizer.txt, ncu.csv            compute-sanitizer's reports; Nsight Compute's counters
#     debug.jsonl                       which debug switch heals a fault, if there was one
#     paper.txt                         the point of the paper's
# Exit code: 0 if all that was done went well, 1 if something failed, 2 if it could not begin.
set -u

most_bytes=16000000 # and a line of the log more
began=$(date +%s)
kit=""
budget=""
tiny=""

die() { echo "gpu-check: $*" >&2; exit 2; }

while [ $# -gt 0 ]; do
  case "$1" in
    --kit) [ $# -ge 2 ] || die "--kit needs a file"; kit=$2; shift 2 ;;
    --budget) [ $# -ge 2 ] || die "--budget needs seconds"; budget=$2; shift 2 ;;
    --tiny) tiny=yes; shift ;;
    -h | --help) sed -n '2,/^set -u/s/^# \{0,1\}//p' "$0" | sed '/^set -u/d'; exit 0 ;;
    --*) die "there is no option $1; --help says which there are" ;;
    *) break ;;
  esac
done
[ $# -eq 2 ] || die "say A or B and a folder for the results, such as: gpu-check.sh A results"
run=$1
dir=$2
case "$run" in
  A) budget=${budget:-350} ;;
  B) budget=${budget:-410} ;;
  *) die "the first argument is A or B, found '$run'" ;;
esac
case "$budget" in '' | *[!0-9]*) die "--budget must be a number of seconds, found '$budget'" ;; esac
[ "$budget" -ge 30 ] || die "a budget of $budget s is too small for anything: the first comparisons take about 30 s"

mkdir -p "$dir" 2>/dev/null && [ -w "$dir" ] || die "the folder '$dir' cannot be made or written; name another"
dir=$(cd "$dir" && pwd -P)
log="$dir/check.log"
(echo "gpu-check $run, budget $budget s, $(date -u +%Y-%m-%dT%H:%M:%SZ)" >> "$log") 2>/dev/null \
  || die "'$log' cannot be written (is the disk full?); make room or name another folder"

left() { echo $((budget - ($(date +%s) - began))); }
failed=0

# note WORDS: to the screen and, as long as there is room, the log.
note() {
  echo "[$(($(date +%s) - began)) s] $*"
  { [ "$(wc -c < "$log")" -lt "$most_bytes" ] && echo "[$(($(date +%s) - began)) s] $*" >> "$log"; } 2>/dev/null
}

# keep FILE: passes on what comes in, and keeps it in a file of at most 16 MiB.
keep() {
  held=$({ wc -c < "$1"; } 2> /dev/null || echo 0)
  [ "$held" -le "$most_bytes" ] || held=$most_bytes
  head -c "$((most_bytes - held))" 2> /dev/null | tee -a "$1" 2> /dev/null
  cat > /dev/null
}

stop() {
  note "stopped: $*"
  finish
}

finish() {
  rm -rf "$work"
  rm -f "$dir"/.tmp-*
  note "done; results are in $dir"
  exit "$failed"
}

# --- the kit ---
here=$(cd "$(dirname "$0")" && pwd -P)
work=$(mktemp -d) || die "no folder for temporary files can be made; set TMPDIR to one"
mkdir "$work/stages"

# Ends what this script has started once the script is gone, and clears up after it. timeout gives the watcher a process group of
# its own, so that it outlives whoever ends the script's. A process that is dead and not yet waited for is a zombie, Z.
timeout "$((budget + 600))" sh -c '
  script=$1 work=$2 dir=$3
  alive() { state=$(cat "/proc/$script/stat" 2> /dev/null) && case "${state##*) }" in Z*) false ;; esac; }
  while alive; do sleep 1; done
  [ -d "$work" ] || exit 0
  echo "gpu-check was ended from outside" >> "$dir/check.log"
  for stage in "$work"/stages/*; do kill "${stage##*/}"; done
  for _ in 1 2 3 4 5 6 7 8; do
    running=""
    for stage in "$work"/stages/*; do kill -0 "${stage##*/}" && running=yes; done
    [ -n "$running" ] || break
    sleep 1
  done
  rm -rf "$work" "$dir"/.tmp-*
' watcher "$$" "$work" "$dir" > /dev/null 2>&1 &

# limited SECONDS COMMAND... : ends it after that, and also once this script is gone.
limited() {
  timeout -k 5 "$@" &
  stage=$!
  : > "$work/stages/$stage"
  wait "$stage"
  code=$?
  rm -f "$work/stages/$stage"
  return $code
}

[ -n "$kit" ] || { [ -x "$here/knowcap" ] && [ -d "$here/lib" ] && kit=$here; } || kit="$here/gpu-kit.tar.xz"
if [ -f "$kit" ]; then
  note "unpacking $kit"
  # Where there is no xz, Python has its own.
  tar -C "$work" -xf "$kit" 2> /dev/null || python3 -m tarfile -e "$kit" "$work" || { rm -rf "$work"; die "$kit cannot be unpacked here (is there room in $work, and xz or python3?)"; }
  kit="$work/gpu-kit"
fi
[ -x "$kit/knowcap" ] || { rm -rf "$work"; die "there is no kit at '$kit': make one by scripts/gpu-kit.sh, and name it with --kit"; }
# Algorithms are chosen by this run, on this card.
[ -n "$tiny" ] && [ -n "${XDG_CACHE_HOME:-}" ] || export XDG_CACHE_HOME="$work/cache"
PATH="$PATH:/usr/local/cuda/bin" # where compute-sanitizer and ncu often are

at_once=5
have_python=""
command -v python3 > /dev/null && have_python=yes
[ -n "$have_python" ] || note "there is no python3 on the PATH: PyTorch is not measured and exports are not compared"
if command -v nvidia-smi > /dev/null; then
  nvidia-smi -L 2>&1 | keep "$log"
  nvidia-smi --query-gpu=name,driver_version,memory.total,memory.used,clocks.sm,clocks.max.sm,compute_mode,mig.mode.current \
    --format=csv 2>&1 | keep "$log"
  # One process at a time where the GPU takes no more.
  case "$(nvidia-smi --query-gpu=compute_mode --format=csv,noheader 2> /dev/null)" in Exclusive*) at_once=1 ;; esac
fi

# bench SECONDS ITEMS... : items into DIR, within SECONDS and what is left.
bench() {
  most=$(($1 * slow))
  shift
  [ "$(left)" -lt "$most" ] && most=$(left)
  [ "$most" -ge 15 ] || { note "no time left for: $*"; return 0; }
  words=""
  for item; do
    case "$item" in --*) words="$words $item" ;; *) words="$words --item $item" ;; esac
  done
  note "bench gpu $* (at most $most s)"
  # shellcheck disable=SC2086
  limited "$((most + 10))" "$kit/knowcap" bench gpu --out "$dir" --budget "$most" --limit "$limit" --peer "$kit/peer_torch.py" \
    --check "$kit/check_hf_export.py" $words > "$work/page" 2> "$work/said"
  code=$?
  keep "$log" < "$work/said"
  grep -q "too small for anything" "$work/said" && return 0
  return $code
}

# last FILE ITEM: the item's last line.
last() { grep -F "\"item\":\"$2\"" "$1" 2> /dev/null | tail -n 1; }

# holds FILE ITEM FOLDER: whether an item's last line says that it went well, and a comparison is near enough.
holds() {
  last "$1" "$2" | grep -q '"status":"ok"' || return 1
  # The page is written after each line; on a full disk it may be older.
  if [ "$3/README.md" -nt "$1" ]; then cat "$3/README.md"; else "$kit/knowcap" bench gpu --out "$3" --page 2> /dev/null; fi \
    | grep -F "| $(echo "$2" | cut -d: -f2) | $(echo "$2" | cut -d: -f3) |" | grep -q holds
}

slow=1
limit=60 # seconds of an item
if [ -n "$tiny" ]; then
  slow=5
  limit=120
  model=gpt2-1-1-w8
  meter=meter:64
  smoke="parity:$model:fp32 parity:gpt2-1-1-w16:bf16"
  sanitized="parity:$model:fp32"
  parity="parity:llama-1-1-w8:fp32"
  speeds="speed:$model@2x16x37"
  profiles="profile:$model@2x16x37"
  peers="peer:$model@2x16x37:compile"
  tuned="peer:$model@2x16x37:max-autotune"
  fused="fused:$model@2x16x37"
  exports="export:$model"
  point="$work/tiny.yaml"
  cat > "$point" << STUDY
name: tiny
corpus:
  kind: bioS
  people: 4
  pools: {first: 3, middle: 3, last: 3, months: 2, days: 2, years: 2, birth_cities: 2, universities: 2, majors: 2, employers: 2}
models: [$model]
exposures: 4
engine: cuda
training: {batch_size: 2, context_length: 64, learning_rate: 0.003, warmup_steps: 2}
STUDY
  switches="no-graph own-matmul"
  seconds_a=0.2
  seconds_b=0.2
else
  meter=meter
  smoke="parity:gpt2-2-2:fp32 parity:gpt2-2-2:bf16"
  sanitized="parity:gpt2-1-2-w32:bf16 parity:gpt2-moe4-1-2-w32-expertchoice:bf16 parity:mistral-1-4-w20-k1:fp32"
  parity=parity
  speeds=speed
  profiles="profile:gpt2-2-2@96 profile:gpt2-4-4@96 profile:gpt2-12-12@96"
  peers="peer:gpt2-2-2@96:compile peer:gpt2-4-4@96:compile"
  tuned=peer:gpt2-2-2@96:max-autotune
  fused=fused
  exports=export
  point="$kit/paper-50k-gpt2-2-2.yaml"
  switches="no-graph no-epilogues plain-attention own-matmul parts-apart"
  seconds_a=2
  seconds_b=5
fi

# --- is there an engine at all ---
note "engines"
limited 60 "$kit/knowcap" engines 2>&1 | keep "$log"
# A line more than an earlier call has left, which may have failed elsewhere.
machines() { grep -c '"item":"machine","status":"ok"' "$dir/gpu.jsonl" 2> /dev/null; }
before=$(machines)
bench 60 machine
if [ "$(machines)" = "$before" ]; then
  failed=1
  stop "the cuda engine is not ready here, and nothing else would be worth its time; the reason stands above"
fi

# --- smoke: one model in both precisions ---
# shellcheck disable=SC2086
bench 120 $smoke
apart=""
for item in $smoke; do
  case "$(last "$dir/gpu.jsonl" "$item")" in
    '' | *'"status":"skipped"'*)
      # A kernel that never ended has used up the others' time.
      [ -z "$apart" ] || continue
      failed=1
      stop "there was no time to compare $item: give a larger --budget" ;;
    *'"status":"failed"'*" cannot be used: "* | *'"status":"failed"'*" MiB left, but "*)
      failed=1
      stop "the GPU is full, or others have it; the reason stands above" ;;
  esac
  holds "$dir/gpu.jsonl" "$item" "$dir" || { apart="$apart $item"; note "$item does not hold"; }
done

# sanitize TOOL=ITEM... : at a time, for nothing of them is timed; reports go to sanitizer.txt.
sanitize() {
  command -v compute-sanitizer > /dev/null || { note "there is no compute-sanitizer on the PATH, so not done: $*"; return 0; }
  note "compute-sanitizer, at most 60 s: $*"
  sanitizers=""
  for pair; do
    [ "$(left)" -ge 70 ] || { note "no time left for $pair"; continue; }
    limited 60 compute-sanitizer --tool "${pair%%=*}" --target-processes all --print-limit 20 "$kit/knowcap" bench gpu \
      --out "$work/out-$pair" --limit 55 --debug parts-apart,line-info,first-heuristic --item "${pair#*=}" > "$work/$pair" 2>&1 &
    sanitizers="$sanitizers $!"
    [ "$at_once" -gt 1 ] || wait "$!"
  done
  # Not for everything in the background: that has the watcher, too.
  # shellcheck disable=SC2086
  [ -z "$sanitizers" ] || wait $sanitizers
  for pair; do
    [ -f "$work/$pair" ] || continue
    { echo "== $pair"; cat "$work/$pair"; } | keep "$dir/sanitizer.txt" > /dev/null
    # One summary for each process; racecheck words its own.
    if ! grep -q " SUMMARY: " "$work/$pair" || grep " SUMMARY: " "$work/$pair" | grep -Eqv "SUMMARY: 0 (errors|hazards)"; then
      failed=1
      note "$pair: something was found, or it did not end: see sanitizer.txt"
    fi
  done
}

if [ -n "$apart" ]; then
  failed=1
  pairs=""
  for item in $apart; do pairs="$pairs memcheck=$item"; done
  # shellcheck disable=SC2086
  sanitize $pairs
  note "looking for what is to blame: one switch at a time"
  for switch in $switches; do
    [ "$(left)" -ge 40 ] || break
    for item in $apart; do
      rm -rf "$work/debug"
      limited 50 "$kit/knowcap" bench gpu --out "$work/debug" --budget 45 --limit 40 --debug "$switch" --item "$item" \
        > /dev/null 2>> "$work/debug.said"
      grep -F "\"item\":\"$item\"" "$work/debug/gpu.jsonl" 2>/dev/null | keep "$dir/debug.jsonl"
      if holds "$work/debug/gpu.jsonl" "$item" "$work/debug"; then
        note "$item holds with $switch"
      else
        note "$item does not hold with $switch"
      fi
    done
  done
  stop "the engine does not agree with the cpu engine; speeds of it would say nothing"
fi

case "$run" in
  A)
    # shellcheck disable=SC2086
    bench 100 $parity --at-once=$at_once || { failed=1; note "some comparisons failed"; }
    # shellcheck disable=SC2086
    bench 90 $meter $speeds --seconds=$seconds_a || failed=1
    # shellcheck disable=SC2086
    bench 50 $profiles || failed=1
    first=${sanitized%% *}
    pairs="racecheck=$first synccheck=$first"
    for item in $sanitized; do pairs="memcheck=$item $pairs"; done
    # shellcheck disable=SC2086
    sanitize $pairs
    if [ -n "$peers" ] && [ -n "$have_python" ]; then
      # shellcheck disable=SC2086
      bench 100 $peers --seconds=$seconds_a || failed=1
    fi
    if command -v ncu > /dev/null && [ "$(left)" -ge 40 ]; then
      shape=${profiles%% *}
      note "ncu, one step of $shape"
      limited "$(($(left) - 5))" ncu --csv --page raw --set basic --clock-control none --profile-from-start off \
        --target-processes all "$kit/knowcap" bench gpu --out "$work/ncu" --limit 300 --item "$shape" 2> "$work/ncu.said" \
        | grep '^"' | head -c "$most_bytes" > "$dir/ncu.csv"
      tail -n 3 "$work/ncu.said" | keep "$log"
    fi
    ;;
  B)
    # shellcheck disable=SC2086
    bench 120 $meter $speeds --seconds=$seconds_b || failed=1
    # shellcheck disable=SC2086
    bench 40 $fused --seconds=$seconds_b || failed=1
    if [ "$(left)" -ge 80 ]; then
      note "a point of the paper: $(basename "$point" .yaml)"
      # Half a minute of a GPU and what the corpus and measuring take; exports and PyTorch come after it.
      most=$(($(left) - 10))
      [ "$most" -le 170 ] || most=170
      limited "$most" "$kit/knowcap" run "$point" --out "$work/paper" 2>&1 \
        | keep "$dir/paper.txt"
      limited 30 "$kit/knowcap" results "$work/paper" 2>&1 | keep "$dir/paper.txt"
      if [ -s "$work/paper/results.csv" ]; then
        keep "$dir/paper.txt" < "$work/paper/results.csv"
      else
        failed=1
        note "the point of the paper did not end"
      fi
    fi
    if [ -n "$exports" ] && [ -n "$have_python" ]; then
      bench 120 $exports || failed=1
    fi
    if [ -n "$peers" ] && [ -n "$have_python" ]; then
      # shellcheck disable=SC2086
      bench "$(left)" $tuned --seconds=$seconds_b || failed=1
    fi
    ;;
esac
keep "$log" < "$work/page"
finish
