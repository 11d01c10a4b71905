#!/usr/bin/env python3
"""Compares a model that 'knowcap export RUN --to huggingface DIR --check' wrote with what transformers makes of it.

Loads DIR with AutoModelForCausalLM in fp32 and compares, on DIR/knowcap/check.safetensors' random prompts, the loss
(-ln p, in nats) of each target with Knowcap's; then, by AutoTokenizer, the tokens of DIR/knowcap/check.json's texts.
Needs torch, safetensors and transformers. Exit code 0 if all agree.
"""

import argparse
import json
import pathlib
import sys

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer


def losses(model, prompts, targets):
    """-ln p of each target after each token of its prompt: [prompts, length]."""
    with torch.no_grad():
        logits = model(input_ids=prompts).logits
    return -torch.log_softmax(logits.double(), dim=-1).gather(-1, targets.unsqueeze(-1)).squeeze(-1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="largest difference of losses, nats (default %(default)s)")
    arguments = parser.parse_args()
    check = arguments.directory / "knowcap"
    if not (check / "check.safetensors").exists():
        parser.error(f"{check}/check.safetensors: no such file; export with --check")

    model, loading = AutoModelForCausalLM.from_pretrained(
        arguments.directory, dtype=torch.float32, output_loading_info=True)
    model.eval()
    problems = [f"{what}: {sorted(keys)}" for what, keys in loading.items() if keys]

    tensors = load_file(check / "check.safetensors")
    prompts = tensors["prompts"].long()
    worst = 0.0
    compared = 0
    for name in tensors:
        if name.startswith("targets."):
            ours = tensors["losses." + name.removeprefix("targets.")].double()
            difference = (losses(model, prompts, tensors[name].long()) - ours).abs()
            compared += difference.numel()
            worst = max(worst, float("inf") if difference.isnan().any() else difference.max().item())
    if worst > arguments.tolerance:
        problems.append(f"losses differ by up to {worst:.3g} nats, allowed are {arguments.tolerance:.3g}")

    tokenizer = AutoTokenizer.from_pretrained(arguments.directory)
    texts = json.loads((check / "check.json").read_text(encoding="utf-8"))
    for text in texts:
        found = tokenizer.encode(text["text"], add_special_tokens=False)
        if found != text["tokens"] or tokenizer.decode(found) != text["text"]:
            problems.append(f"tokens of {text['text']!r} are {found}, should be {text['tokens']}")
    if tokenizer.eos_token_id != model.config.eos_token_id:
        problems.append(f"end of text is {tokenizer.eos_token_id}, should be {model.config.eos_token_id}")

    print(f"{type(model).__name__}: {sum(p.numel() for p in model.parameters())} parameters; "
          f"{compared} losses differ by up to {worst:.3g} nats; {len(texts)} texts encoded")
    for problem in problems:
        print("WRONG:", problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
