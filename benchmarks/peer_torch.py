#!/usr/bin/env python3
"""How fast PyTorch trains the shapes of `knowcap bench gpu`, to be fair to it: the same GPT2 (rotary on a quarter of each head,
tanh GELU, tied head) or mixture of 32 experts, bf16 autocast, fused attention, fused AdamW every step; eager, torch.compile, and torch.compile in its
max-autotune mode, which records graphs. Prints one JSON object a line.

    python3 benchmarks/peer_torch.py [--seconds 5] [--shape "gpt2-2-2, V 3275, 96 windows of 512"]... [--modes eager,compile,max-autotune]
"""
import argparse
import json
import sys
import time

try:
    import torch
except ImportError as e:
    sys.exit(f"{sys.executable} cannot import PyTorch ({e}); install it (python3 -m pip install torch) for the python3 on the PATH")
import torch.nn as nn
import torch.nn.functional as F

VOCABULARY, LENGTH, HEAD = 3275, 512, 64
# layers, heads, windows, experts (0: none)
SHAPES = {f"gpt2{f'-moe{experts}' if experts else ''}-{layers}-{heads}, V {VOCABULARY}, {windows} windows of {LENGTH}":
          (layers, heads, windows, experts)
          for layers, heads, windows, experts in
          [(2, 2, 96, 0), (4, 4, 96, 0), (8, 8, 96, 0), (12, 12, 96, 0), (2, 2, 12, 0), (4, 4, 96, 32)]}


class Mixture(nn.Module):
    """Experts of d to d to d, one a token, capacity factor 2 in each window. Static shapes, so that compilers can have it whole."""

    def __init__(self, width, experts):
        super().__init__()
        self.experts = experts
        self.router = nn.Linear(width, experts, bias=False)
        self.up, self.down = (nn.Parameter(0.02 * torch.randn(experts, width, width)) for _ in range(2))
        self.up_bias, self.down_bias = (nn.Parameter(torch.zeros(experts, 1, width)) for _ in range(2))

    def forward(self, x):
        """x [B, T, d]; returns the same and the balance loss."""
        b, t, d = x.shape
        places = 2 * -(-t // self.experts)
        p = self.router(x).float().softmax(-1)
        gate, choice = p.max(-1)
        wishes = F.one_hot(choice, self.experts)
        place = (wishes.cumsum(1) - 1).gather(2, choice[..., None])[..., 0]
        # Those without a place share a slot behind all experts' places.
        slot = torch.where(place < places, choice * places + place, self.experts * places)[..., None].expand(b, t, d)
        seated = x.new_zeros(b, self.experts * places + 1, d).scatter(1, slot, x)[:, :-1]
        seated = seated.view(b, self.experts, places, d).transpose(0, 1).reshape(self.experts, b * places, d)
        inner = F.gelu(torch.baddbmm(self.up_bias.to(x.dtype), seated, self.up.to(x.dtype)), approximate="tanh")
        done = torch.baddbmm(self.down_bias.to(x.dtype), inner, self.down.to(x.dtype))
        done = done.view(self.experts, b, places, d).transpose(0, 1).reshape(b, self.experts * places, d)
        done = F.pad(done, (0, 0, 0, 1)).gather(1, slot)
        balance = self.experts * (wishes.float().mean(1) * p.mean(1)).sum(-1).mean()
        return done * gate[..., None].to(x.dtype), balance


class Block(nn.Module):
    def __init__(self, heads, experts, head):
        super().__init__()
        width = heads * head
        self.heads, self.head = heads, head
        self.mixture = Mixture(width, experts) if experts else None
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        if not experts:
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def turn(self, x, cosine, sine):
        """x [B, h, T, w]: component i of the first quarter turns with component i + w / 8."""
        half = cosine.shape[-1]
        a, b, rest = x[..., :half], x[..., half:2 * half], x[..., 2 * half:]
        return torch.cat((a * cosine - b * sine, a * sine + b * cosine, rest), -1).to(x.dtype)

    def forward(self, x, cosine, sine):
        b, t, d = x.shape
        q, k, v = (part.view(b, t, self.heads, self.head).transpose(1, 2) for part in self.qkv(self.norm1(x)).split(d, 2))
        q, k = self.turn(q, cosine, sine), self.turn(k, cosine, sine)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(b, t, d))
        if self.mixture is None:
            return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh")), 0
        # A product in bf16 under autocast, as the linear layers'.
        mixed, balance = self.mixture(self.norm2(x).to(torch.get_autocast_dtype(x.device.type)))
        return x + mixed, balance


class Model(nn.Module):
    def __init__(self, layers, heads, experts, head=HEAD, vocabulary=VOCABULARY, length=LENGTH):
        super().__init__()
        width = heads * head
        self.table = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.table.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(heads, experts, head) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        half = head // 8
        angles = torch.outer(torch.arange(length).float(), 10000.0 ** (-torch.arange(half).float() / half))
        self.register_buffer("cosine", angles.cos(), persistent=False)
        self.register_buffer("sine", angles.sin(), persistent=False)

    def forward(self, tokens, targets):
        x = self.table(tokens)
        routing = 0
        for block in self.blocks:
            x, balance = block(x, self.cosine, self.sine)
            routing = routing + 0.01 * balance
        logits = F.linear(self.norm(x), self.table.weight)
        return F.cross_entropy(logits.flatten(0, 1).float(), targets.view(-1)) + routing


def measure(layers, heads, windows, experts, mode, seconds):
    """Tokens a second, and the most bytes held."""
    torch.manual_seed(1)
    model = Model(layers, heads, experts).cuda()
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    optimiser = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}],
                                  lr=1e-4, betas=(0.9, 0.98), eps=1e-6, fused=True)
    loss_of = {"eager": lambda m: m, "compile": torch.compile,
               "max-autotune": lambda m: torch.compile(m, mode="max-autotune")}[mode](model)
    tokens = torch.randint(VOCABULARY, (windows, LENGTH), device="cuda")
    targets = torch.randint(VOCABULARY, (windows, LENGTH), device="cuda")

    def step():
        with torch.autocast("cuda", torch.bfloat16):
            loss = loss_of(tokens, targets)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    for _ in range(20):
        step()
    torch.cuda.synchronize()
    began, steps = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        for _ in range(20):
            step()
        steps += 20
        torch.cuda.synchronize()
    return {"tokens_per_second": steps * windows * LENGTH / (time.perf_counter() - began),
            "peak_bytes": torch.cuda.max_memory_allocated()}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=5)
    arguments.add_argument("--shape", action="append", help="only these")
    arguments.add_argument("--modes", default="eager,compile,max-autotune")
    chosen = arguments.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = True
    print(json.dumps({"torch": torch.__version__, "cuda": torch.version.cuda, "gpu": torch.cuda.get_device_name()}), flush=True)
    for name, shape in SHAPES.items():
        if chosen.shape is None or name in chosen.shape:
            for mode in chosen.modes.split(","):
                torch._dynamo.reset()
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
                try:
                    found = measure(*shape, mode, chosen.seconds)
                except Exception as e:  # A mode that fails (no compiler, no memory) must not cost the others.
                    found = {"error": f"{type(e).__name__}: {e}"}
                print(json.dumps({"shape": name, "mode": mode, **found}), flush=True)


if __name__ == "__main__":
    main()
