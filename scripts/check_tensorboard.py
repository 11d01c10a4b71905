#!/usr/bin/env python3
"""Compares the event files of a study with its runs' metrics.jsonl, by TensorBoard's own reader (pip install tensorboard).

    ./knowcap tensorboard DIR
    python3 scripts/check_tensorboard.py DIR [LOGDIR]
"""
import json
import pathlib
import struct
import sys

from tensorboard import version
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def float32(value):
    return struct.unpack("f", struct.pack("f", float(value)))[0]


def main():
    study = pathlib.Path(sys.argv[1])
    logdir = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else study / "tensorboard"
    runs = points = 0
    for folder in sorted(folder for folder in logdir.iterdir() if folder.is_dir()):
        lines = [json.loads(line) for line in (study / "runs" / folder.name / "metrics.jsonl").read_text().splitlines()]
        reader = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0}).Reload()
        tags = set(reader.Tags()["scalars"])
        for key in lines[-1].keys() - {"step", "seconds", "routing", "measured"}:
            expected = [(line["step"], float32(line[key])) for line in lines]
            found = [(event.step, event.value) for event in reader.Scalars(key)]
            if repr(found) != repr(expected):  # NaN is not equal to itself
                sys.exit(f"{folder.name}: '{key}' differs: {len(found)} points for {len(expected)} reports")
            points += len(found)
        seconds = [event.wall_time - reader.Scalars("loss")[0].wall_time for event in reader.Scalars("loss")]
        if any(abs(s - line["seconds"] + lines[0]["seconds"]) > 1e-3 for s, line in zip(seconds, lines)):
            sys.exit(f"{folder.name}: wall times do not have the steps' distances")
        result = study / "runs" / folder.name / "result.json"
        if result.exists() != ("result/capacity_ratio" in tags):
            sys.exit(f"{folder.name}: a result and its scalars go together")
        if result.exists():
            ratio = json.loads(result.read_text())["result"]["capacity_ratio"]
            if reader.Scalars("result/capacity_ratio")[-1].value != float32(ratio):
                sys.exit(f"{folder.name}: result/capacity_ratio is not that of result.json")
        runs += 1
    if runs == 0:
        sys.exit(f"{logdir} has no run")
    print(f"TensorBoard {version.VERSION}: {runs} runs, {points} points, all as in metrics.jsonl")


if __name__ == "__main__":
    main()
