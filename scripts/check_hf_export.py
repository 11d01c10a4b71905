#!/usr/bin/env python3
"""Compares a model that 'knowcap export RUN --to huggingface DIR --check' wrote with what transformers makes of it.

Loads DIR with AutoModelForCausalLM in fp32 and compares, on DIR/knowcap/check.safetensors' random prompts, the loss
(-ln p, in nats) of each target with Knowcap's, once for the model and once with a small embedding, so that the norms'
epsilon counts too. The model is in training mode: its dropouts must be zero. Then compares, by AutoTokenizer, the
tokens of DIR/knowcap/check.json's texts, and settings that only other programs read.

--self-test DIR changes every setting of DIR's files in turn, in a copy, and requires that the check finds each change.

Needs torch, safetensors and transformers. Exit code 0 if all agree (with --self-test, if all changes are found).
"""

import argparse
import json
import pathlib
import shutil
import sys
import tempfile

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging


def read(file):
    return json.loads(file.read_text(encoding="utf-8"))


def write(file, content):
    file.write_text(json.dumps(content, indent=2), encoding="utf-8")


def losses(model, prompts, targets, vocabulary):
    """-ln p of each target after each token of its prompt, among the corpus's tokens: for each draw [prompts, length]."""
    with torch.no_grad():
        p = torch.log_softmax(model(input_ids=prompts).logits[..., :vocabulary].double(), dim=-1)
    return [-p.gather(-1, draw.unsqueeze(-1)).squeeze(-1) for draw in targets]


def compare(directory, tolerance):
    """What transformers makes otherwise of a folder, and a line about what was compared."""
    expected = read(directory / "knowcap/check.json")
    model, loading = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, output_loading_info=True)
    model.train()
    problems = [f"{what}: {sorted(keys)}" for what, keys in loading.items() if keys]

    tensors = load_file(directory / "knowcap/check.safetensors")
    prompts = tensors["prompts"].long()
    draws = sorted(name.removeprefix("targets.") for name in tensors if name.startswith("targets."))
    targets = [tensors["targets." + draw].long() for draw in draws]
    worst = []
    for losses_name, what in [("losses.", "losses"), ("small_losses.", "losses with a small embedding")]:
        if losses_name.startswith("small"):
            with torch.no_grad():
                for name, parameter in model.named_parameters():
                    if parameter is model.get_input_embeddings().weight or name.endswith("wpe.weight"):
                        parameter.mul_(expected["small_embedding"])
        found = losses(model, prompts, targets, expected["vocabulary"])
        differences = [(one - tensors[losses_name + draw].double()).abs() for one, draw in zip(found, draws)]
        largest = max(float("inf") if one.isnan().any() else one.max().item() for one in differences)
        worst.append(largest)
        if largest > tolerance:
            problems.append(f"{what} differ by up to {largest:.3g} nats, allowed are {tolerance:.3g}")

    tokenizer = AutoTokenizer.from_pretrained(directory)
    for text in expected["texts"]:
        found = tokenizer.encode(text["text"], add_special_tokens=False)
        if found != text["tokens"] or tokenizer.decode(found) != text["text"]:
            problems.append(f"tokens of {text['text']!r} are {found}, should be {text['tokens']}")

    # What no number depends on, but what generates text and trains on reads.
    config, generation = read(directory / "config.json"), read(directory / "generation_config.json")
    rope = config.get("rope_parameters", {})
    end, vocabulary = expected["end_of_text"], config.get("vocab_size")
    settings = {
        "class": (type(model).__name__, config.get("architectures", [None])[0]),
        "torch_dtype": (config.get("torch_dtype"), "float32"),
        "context": (config.get("max_position_embeddings", config.get("n_positions")), expected["context"]),
        "rope_theta": (config.get("rope_theta", config.get("rotary_emb_base")), rope.get("rope_theta")),
        "partial_rotary_factor": (config.get("rotary_pct", 1.0), rope.get("partial_rotary_factor", 1.0)),
        "model_max_length": (tokenizer.model_max_length, expected["context"]),
        "suppress_tokens": (generation.get("suppress_tokens", []), list(range(expected["vocabulary"], vocabulary))),
        "pad_token_id": (generation.get("pad_token_id"), end),
        "pad_token": (tokenizer.pad_token, None),
    }
    with safe_open(directory / "model.safetensors", "pt") as weights:
        tied = not {"lm_head.weight", "embed_out.weight"} & set(weights.keys())
    settings["tie_word_embeddings"] = (config.get("tie_word_embeddings"), tied)
    settings["use_sliding_window"] = (config.get("use_sliding_window", False), False)
    told = read(directory / "tokenizer_config.json")
    for key, wanted in [("tokenizer_class", "PreTrainedTokenizerFast"), ("add_prefix_space", False),
                        ("clean_up_tokenization_spaces", False)]:
        settings[key] = (told.get(key), wanted)
    if config.get("model_type") == "gpt2":
        settings["context"] = (config["n_positions"] >= expected["context"], True)
    for beginning in ["bos", "eos"]:
        settings[f"{beginning} of config.json"] = (config.get(f"{beginning}_token_id"), end)
        settings[f"{beginning} of generation_config.json"] = (generation.get(f"{beginning}_token_id"), end)
        settings[f"{beginning} of the tokenizer"] = (getattr(tokenizer, f"{beginning}_token_id"), end)
    problems += [f"{name} is {found}, should be {wanted}" for name, (found, wanted) in settings.items() if found != wanted]

    count = sum(parameter.numel() for parameter in model.parameters())
    return problems, (f"{type(model).__name__}: {count} parameters; {2 * len(draws) * prompts.numel()} losses in prompts of "
                      f"{prompts.shape[1]} tokens differ by up to {worst[0]:.3g} nats, by {worst[1]:.3g} with a small "
                      f"embedding; {len(expected['texts'])} texts encoded")


def changed(key, value, length):
    """Another value that a setting could have."""
    others = {"hidden_act": "gelu", "activation_function": "gelu", "model_type": "gpt_bigcode",
              "rope_type": "linear", "architectures": ["LlamaModel"], "torch_dtype": "float16", "sliding_window": length // 2,
              "tokenizer_class": None, "bos_token": "!", "eos_token": "!", "suppress_tokens": []}
    if key == "sliding_window" and value is not None:
        return value - 1
    if key in others:
        return others[key]
    if isinstance(value, bool):
        return not value
    if key in ("num_attention_heads", "n_head", "num_key_value_heads"):
        return value * 2 if value == 1 else value // 2 if value % 2 == 0 else 1
    if isinstance(value, float):
        return value / 2 if value >= 0.01 else value * 2 if value > 0 else 0.5
    return value + 1


def changes(directory):
    """Names of changes to a folder's files, each with what makes it."""
    length = load_file(directory / "knowcap/check.safetensors")["prompts"].shape[1]
    for name in ["config.json", "generation_config.json", "tokenizer_config.json"]:
        for key, value in read(directory / name).items():
            inner = value.items() if isinstance(value, dict) else [(None, value)]
            for part, one in inner:
                def change(folder, name=name, key=key, part=part, one=one):
                    content = read(folder / name)
                    if part is None:
                        content[key] = changed(key, one, length)
                    else:
                        content[key][part] = changed(part, one, length)
                    write(folder / name, content)
                yield f"{name}: {key}{'.' + part if part else ''} of {one if part is None else one}", change

    def both_spellings(folder):
        content = read(folder / "config.json")
        for place in [content, content["rope_parameters"]]:
            for key in {"rope_theta", "rotary_emb_base"} & place.keys():
                place[key] = 0.9 * place[key]
        write(folder / "config.json", content)

    if "rope_parameters" in read(directory / "config.json"):
        yield "config.json: rope_theta in both spellings", both_spellings

    def swapped(folder):
        content = read(folder / "tokenizer.json")
        tokens = content["model"]["vocab"]
        first = read(folder / "knowcap/check.json")["texts"][0]["tokens"][0]
        one, other = [key for key, number in tokens.items() if number in (first, first + 1)]
        tokens[one], tokens[other] = tokens[other], tokens[one]
        write(folder / "tokenizer.json", content)

    def unmerged(folder):
        content = read(folder / "tokenizer.json")
        content["model"]["merges"] = content["model"]["merges"][1:]
        write(folder / "tokenizer.json", content)

    yield "tokenizer.json: two numbers", swapped
    yield "tokenizer.json: the first merge", unmerged


def self_test(directory, tolerance):
    """Names of changes that the comparison does not find."""
    missed, count = [], 0
    for name, change in changes(directory):
        count += 1
        with tempfile.TemporaryDirectory() as parent:
            copy = pathlib.Path(parent) / "copy"
            shutil.copytree(directory, copy)
            change(copy)
            try:
                found, _ = compare(copy, tolerance)
            except Exception as refused:  # transformers has many kinds of refusals
                found = [str(refused)]
            if not found:
                missed.append(name)
    return missed, count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--tolerance", type=float, default=5e-5, help="largest difference of losses, nats (default %(default)s)")
    parser.add_argument("--self-test", action="store_true", help="change every setting in turn, in a copy, and require that it is found")
    arguments = parser.parse_args()
    if not (arguments.directory / "knowcap/check.safetensors").exists():
        parser.error(f"{arguments.directory}/knowcap/check.safetensors: no such file; export with --check")

    logging.disable_progress_bar()
    if arguments.self_test:
        logging.set_verbosity(logging.CRITICAL)
    problems, summary = compare(arguments.directory, arguments.tolerance)
    print(summary)
    if arguments.self_test:
        missed, count = self_test(arguments.directory, arguments.tolerance)
        print(f"{count - len(missed)} of {count} changes found")
        problems += [f"a change is not found: {name}" for name in missed]
    for problem in problems:
        print("WRONG:", problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
