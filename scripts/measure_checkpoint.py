#!/usr/bin/env python3
"""Takes the losses p1, p2 and p3 of a run's checkpoint, and its stored bits, without Knowcap's engines.

Reads RUN/run.json and RUN/checkpoint.safetensors, and the texts that 'knowcap generate SPEC --measured --out DIR' wrote.
Computes the model in double precision by its definition: decoder-only, LayerNorm or RMSNorm, rotary or no positions,
full or grouped heads, GELU or SiLU, gated or not, tied or not. Other models are refused. If RUN/result.json is there, compares
with it. Needs numpy and torch. Exit code 0 if all losses agree.
"""

import argparse
import json
import math
import pathlib
import struct
import sys

import numpy
import torch

DTYPES = {"F32": "<f4", "F64": "<f8"}


def tensors(file):
    """The parameters of a safetensors file, as double-precision tensors by their names."""
    data = file.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    found = {}
    for name, entry in header.items():
        if name != "__metadata__" and "/" not in name:
            begin, end = entry["data_offsets"]
            numbers = numpy.frombuffer(data[8 + length + begin:8 + length + end], DTYPES[entry["dtype"]])
            found[name] = torch.from_numpy(numbers.reshape(entry["shape"]).astype(numpy.float64))
    return found


class Model:
    def __init__(self, settings, parameters):
        self.settings = settings
        self.parameters = parameters
        positions = settings["positions"]["kind"]
        forward = settings["feed_forward"]
        refused = [text for text, wrong in [
            (f"positions '{positions}'", positions not in ("rotary", "none")),
            ("an attention window", settings.get("attention_window") is not None),
            (f"the mask '{settings['mask']}'", settings["mask"] != "causal"),
            ("experts", forward.get("experts") is not None),
            ("QK-norm", bool(settings.get("qk_norm"))),
            ("Canon layers", settings.get("canon") is not None),
            ("recurrences", settings.get("mixers") is not None),
            ("loops", settings.get("loops") is not None),
            ("adapters", settings.get("lora_rank") is not None),
            ("a memory of n-grams", settings.get("ngram_slots") is not None)] if wrong]
        if refused:
            sys.exit(f"this script knows no model with {' or '.join(refused)}")

    def norm(self, name, x):
        if self.settings["norm"] == "layer":
            x = x - x.mean(-1, keepdim=True)
        x = x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-5) * self.parameters[name + ".gain"]
        return x + self.parameters.get(name + ".bias", 0)

    def linear(self, name, x):
        return x @ self.parameters[name + ".weight"] + self.parameters.get(name + ".bias", 0)

    def rotate(self, x):
        """x: [texts, length, heads, head width]; turns the two halves of the first dimensions against each other."""
        positions = self.settings["positions"]
        if positions["kind"] == "none":
            return x
        turned = round(self.settings["head_width"] * positions["rotary_fraction"])
        half = turned // 2
        pace = positions["rotary_base"] ** (-torch.arange(half, dtype=torch.float64) / half)
        angle = (torch.arange(x.shape[1], dtype=torch.float64)[:, None] * pace)[None, :, None, :]
        a, b, rest = x[..., :half], x[..., half:turned], x[..., turned:]
        return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin(), rest], -1)

    def attention(self, name, x):
        texts, length, _ = x.shape
        heads, keys, width = (self.settings[key] for key in ("heads", "key_heads", "head_width"))
        q, k, v = self.linear(name + ".qkv", x).split([heads * width, keys * width, keys * width], -1)
        q = self.rotate(q.reshape(texts, length, heads, width)).transpose(1, 2)
        k = self.rotate(k.reshape(texts, length, keys, width)).transpose(1, 2).repeat_interleave(heads // keys, 1)
        v = v.reshape(texts, length, keys, width).transpose(1, 2).repeat_interleave(heads // keys, 1)
        scores = q @ k.transpose(-1, -2) / math.sqrt(width)
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        mixed = scores.masked_fill(later, -math.inf).softmax(-1) @ v
        return self.linear(name + ".out", mixed.transpose(1, 2).reshape(texts, length, heads * width))

    def activate(self, x):
        if self.settings["feed_forward"]["activation"] == "silu":
            return torch.nn.functional.silu(x)
        return torch.nn.functional.gelu(x, approximate="tanh")

    def feed_forward(self, name, x):
        inner = self.linear(name + ".in", x)
        if self.settings["feed_forward"]["form"] == "gated":
            gate, value = inner.chunk(2, -1)
            inner = self.activate(gate) * value
        else:
            inner = self.activate(inner)
        return self.linear(name + ".out", inner)

    def losses(self, tokens):
        """-ln p of each token but the first, nats. tokens: [texts, length] to [texts, length - 1]."""
        x = self.parameters["embedding"][tokens[:, :-1]]
        for layer in range(self.settings["layers"]):
            block = f"block.{layer}."
            x = x + self.attention(block + "attention", self.norm(block + "attention.norm", x))
            if self.settings["feed_forward"]["form"] != "none":
                x = x + self.feed_forward(block + "mlp", self.norm(block + "mlp.norm", x))
        x = self.norm("norm", x)
        logits = x @ (self.parameters["embedding"].T if self.settings["tied"] else self.parameters["head"])
        return -logits.log_softmax(-1).gather(-1, tokens[:, 1:, None]).squeeze(-1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path, metavar="RUN", help="a run's folder")
    parser.add_argument("measured", type=pathlib.Path, metavar="DIR", help="with measured.jsonl and measured.json")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="largest relative difference of a loss (default %(default)s)")
    arguments = parser.parse_args()
    settings = json.loads((arguments.run / "run.json").read_text())["model"]
    model = Model(settings, tensors(arguments.run / "checkpoint.safetensors"))
    about = json.loads((arguments.measured / "measured.json").read_text())
    if model.parameters["embedding"].shape[0] != about["vocabulary"]:
        sys.exit(f"the model has {model.parameters['embedding'].shape[0]} tokens, the texts {about['vocabulary']}:"
                 " they are of another corpus")
    texts = [json.loads(line) for line in (arguments.measured / "measured.jsonl").read_text().splitlines()]
    sums = {part["part"]: 0.0 for part in about["parts"]}
    # Random strings have one part; a string counts with the bits that its code saves, and never below 0.
    string = about["parts"][0] if len(about["parts"]) == 1 else None
    memorised = 0.0
    with torch.no_grad():
        for first in range(0, len(texts), 64):
            some = texts[first:first + 64]
            # Filled up at the end, which no earlier token sees.
            longest = max(len(text["tokens"]) for text in some)
            tokens = torch.tensor([text["tokens"] + [0] * (longest - len(text["tokens"])) for text in some])
            losses = model.losses(tokens).numpy()
            if not numpy.isfinite(losses).all():
                sys.exit(f"{arguments.run / 'checkpoint.safetensors'}: the model cannot be measured: a token's loss is no number")
            for row, text in enumerate(some):
                own = 0.0
                for span in text["spans"]:
                    if span["part"] in sums:
                        loss = losses[row, span["start"] - 1:span["end"] - 1].sum()
                        sums[span["part"]] += loss
                        own += loss
                if string:
                    memorised += max(0.0, string["uniform_bits"] - own / math.log(2)) * string["count"] / len(texts)
    stored = 0.0
    found = {}
    for part in about["parts"]:
        loss = sums[part["part"]] / len(texts) / part["per_item"]
        found[part["part"]] = loss
        bits = part["count"] * (part["uniform_bits"] - loss / math.log(2))
        stored += bits
        print(f"{part['part']:10} loss {loss:.9f} nats, {bits:.3f} of {part['count'] * part['max_bits']:.3f} bits")
    parameters = sum(tensor.numel() for tensor in model.parameters.values())
    print(f"stored {stored:.3f} bits in {parameters} parameters: R {stored / parameters:.6f}")
    if string:
        print(f"memorised {memorised:.3f} bits, no string below 0: {memorised / parameters:.6f} a parameter")
    result = arguments.run / "result.json"
    if not result.exists():
        return 0
    worst = 0.0
    measured = json.loads(result.read_text())
    if string:
        theirs = measured["result"]["memorisation"]["memorised_bits"]
        worst = abs(memorised / theirs - 1)
        print(f"memorised  result.json {theirs:.3f} bits, relative difference {worst:.1e}")
    for part in measured["parts"]:
        if part["name"] in found:
            difference = abs(found[part["name"]] / part["loss_nats"] - 1)
            worst = max(worst, difference)
            print(f"{part['name']:10} result.json {part['loss_nats']:.9f} nats, relative difference {difference:.1e}")
    print("all agree" if worst <= arguments.tolerance else f"they differ by more than {arguments.tolerance}")
    return 0 if worst <= arguments.tolerance else 1


if __name__ == "__main__":
    sys.exit(main())
