#!/usr/bin/env python3
"""Compares the blocks of a GGUF file with what llama.cpp's own Python package makes of the exact weights.

    knowcap export RUN EXACT --to gguf
    knowcap export RUN BLOCKS --to gguf --type Q8_0
    python3 scripts/check_gguf_blocks.py EXACT BLOCKS

Q8_0 and Q4_0 must have the package's bytes. Q4_K has several right answers, and the package cannot write it: its decoded weights
must be near the exact ones. Needs the package gguf. Exit code 0 if all agree.
"""

import pathlib
import sys

import numpy as np
from gguf import GGMLQuantizationType as Type, GGUFReader
from gguf.quants import dequantize, quantize


def tensors(folder):
    return {tensor.name: tensor for tensor in GGUFReader(str(pathlib.Path(folder) / "model.gguf")).tensors}


def main(exact, blocks):
    theirs, ours = tensors(exact), tensors(blocks)
    wrong = [] if theirs.keys() == ours.keys() else [f"tensors {sorted(theirs.keys() ^ ours.keys())} are in one file only"]
    count, worst = {}, 0.0
    for name in theirs.keys() & ours.keys():
        tensor, weights = ours[name], theirs[name].data
        kind = tensor.tensor_type
        count[kind.name] = count.get(kind.name, 0) + 1
        if kind == Type.Q4_K:
            error = np.linalg.norm(dequantize(tensor.data, kind) - weights) / np.linalg.norm(weights)
            worst = max(worst, float(error))
            if not error < 0.12:
                wrong.append(f"{name} in {kind.name} is off by {error:.3g} of its norm")
        elif not np.array_equal(quantize(weights, kind).view(np.uint8), np.ascontiguousarray(tensor.data).view(np.uint8)):
            wrong.append(f"the bytes of {name} in {kind.name} differ")
    print(", ".join(f"{number} tensors in {kind}" for kind, number in sorted(count.items()))
          + (f"; Q4_K is off by at most {worst:.3g} of a tensor's norm" if worst else "; equal bytes"))
    print("\n".join("WRONG: " + each for each in wrong), end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
