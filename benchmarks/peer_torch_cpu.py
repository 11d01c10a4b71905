#!/usr/bin/env python3
"""PyTorch on the CPU: `knowcap bench cpu --peer torch` starts this in a process of its own and asks it turn by turn.

    python3 benchmarks/peer_torch_cpu.py FOLDER

FOLDER holds task.json (sizes, threads, precision, settings of AdamW, and the parameters' names and shapes in flat order), the
parameters to begin with (parameters.f32), and the batch (tokens.i32, targets.i32). Prints one JSON object a line: for each mode, eager
and torch.compile, the losses of its first steps, so that it can be seen that it trains the same model; then {"ready": VERSION,
"matmul_gflops": RATE}, the rate of its matmuls alone in the precision of the training; and for each line "MODE SECONDS" read from standard input the tokens a second of whole steps over that time. Any PyTorch from 2.0 on.
"""
import array
import json
import pathlib
import sys
import time

try:
    import torch
except ImportError as e:
    sys.exit(f"{sys.executable} cannot import PyTorch ({e}); install it (python3 -m pip install torch) for the python3 on the PATH")
if int(torch.__version__.split(".")[0]) < 2:
    sys.exit(f"PyTorch must be 2.0 or later, found {torch.__version__}; update it (python3 -m pip install --upgrade torch)")

from peer_torch import Model

PARTS = {"attention.norm": "norm1", "attention.qkv": "qkv", "attention.out": "out",
         "mlp.norm": "norm2", "mlp.in": "up", "mlp.out": "down"}


def read(file, kind, dtype):
    numbers = array.array(kind)
    with open(file, "rb") as stream:
        numbers.frombytes(stream.read())
    return torch.frombuffer(numbers, dtype=dtype).clone()


def counterpart(name):
    """Our name of a parameter, such as block.0.mlp.in.bias, in the terms of Model."""
    if name == "embedding":
        return "table.weight"
    owner, what = name.rsplit(".", 1)
    what = {"gain": "weight"}.get(what, what)
    if owner == "norm":
        return f"norm.{what}"
    _, layer, part = owner.split(".", 2)
    return f"blocks.{layer}.{PARTS[part]}.{what}"


class Training:
    def __init__(self, task, folder, mode):
        self.bf16 = task["precision"] == "bf16"
        model = Model(task["layers"], task["heads"], 0, task["head_width"], task["vocabulary"], task["length"])
        self.load(model, task["parameters"], read(folder / "parameters.f32", "f", torch.float32))
        shape = task["windows"], task["length"]
        self.tokens = read(folder / "tokens.i32", "i", torch.int32).long().view(shape)
        self.targets = read(folder / "targets.i32", "i", torch.int32).long().view(shape)
        matrices = [p for p in model.parameters() if p.dim() > 1]
        vectors = [p for p in model.parameters() if p.dim() == 1]
        groups = [{"params": matrices, "weight_decay": task["weight_decay"]}, {"params": vectors, "weight_decay": 0.0}]
        settings = {"lr": task["learning_rate"], "betas": (task["beta1"], task["beta2"]), "eps": task["epsilon"]}
        try:
            self.optimiser = torch.optim.AdamW(groups, fused=True, **settings)
        except (RuntimeError, TypeError):  # Before 2.4 it is fused on GPUs only.
            self.optimiser = torch.optim.AdamW(groups, **settings)
        self.model = torch.compile(model) if mode == "compile" else model

    @staticmethod
    def load(model, parameters, flat):
        """Ours are laid out [inputs, outputs], PyTorch's linear layers [outputs, inputs]."""
        mine = dict(model.named_parameters())
        at = 0
        with torch.no_grad():
            for parameter in parameters:
                size = parameter["rows"] * parameter["columns"]
                values = flat[at:at + size].view(parameter["rows"], parameter["columns"])
                at += size
                target = mine.pop(counterpart(parameter["name"]))
                linear = target.dim() == 2 and parameter["name"] != "embedding"
                target.copy_(values.T if linear else values.view(target.shape))
        assert at == flat.numel() and not mine, (at, flat.numel(), list(mine))

    def step(self):
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            loss = self.model(self.tokens, self.targets)
        loss.backward()
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return loss

    def rate(self, seconds):
        began, steps, elapsed = time.perf_counter(), 0, 0
        while elapsed < seconds:
            self.step()
            steps += 1
            elapsed = time.perf_counter() - began
        return steps * self.tokens.numel() / elapsed


def matmul_gflops(dtype):
    """The most that a product of two square matrices reaches, in 10^9 operations a second. PyTorch takes the products of fp32 from
    another library than those of bf16, and which instructions that library uses depends on the maker of the processor."""
    size, best = 1024, 0
    a, b = (torch.randn(size, size).to(dtype) for _ in range(2))
    until = time.perf_counter() + 1
    while time.perf_counter() < until:
        began = time.perf_counter()
        for _ in range(4):
            a @ b
        best = max(best, 4 * 2 * size ** 3 / (time.perf_counter() - began) / 1e9)
    return best


def say(**what):
    print(json.dumps(what), flush=True)


def main():
    folder = pathlib.Path(sys.argv[1])
    task = json.loads((folder / "task.json").read_text())
    torch.set_flush_denormal(True)  # Before there are threads, which inherit it.
    torch.set_num_threads(task["threads"])
    torch.set_num_interop_threads(1)
    modes = {}
    for mode in "eager", "compile":
        try:
            training = Training(task, folder, mode)
            say(mode=mode, losses=[training.step().item() for _ in range(task["checked_steps"])])
            modes[mode] = training
        except Exception as e:  # A mode that fails (no C++ compiler) must not cost the other.
            say(mode=mode, error=f"{type(e).__name__}: {e}".splitlines()[0])
    if not modes:
        sys.exit("no mode of PyTorch runs")
    dtype = torch.bfloat16 if task["precision"] == "bf16" else torch.float32
    say(ready=f"PyTorch {torch.__version__}", matmul_gflops=matmul_gflops(dtype))
    for line in sys.stdin:
        mode, seconds = line.split()
        say(tokens_per_second=modes[mode].rate(float(seconds)))


if __name__ == "__main__":
    main()
