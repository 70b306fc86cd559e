"""Writes a TorchScript program and wrapped state dictionaries, to be read as weights.

Run with Python 3 and PyTorch 2: python generate_script.py
Every tensor of a file holds the numbers 0, 1, 2, … divided by 8, in its own shape.
"""

import io
import pathlib
import zipfile

import torch
from torch import nn

HERE = pathlib.Path(__file__).parent


class Part(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
        self.size = 3

    def forward(self, x):
        return self.layer(x) * self.size


class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList([Part(), nn.Conv2d(2, 1, 1)])
        self.names = ["a", "b"]

    def forward(self, x):
        for part in self.parts:
            x = part(x)
        return x


network = Whole().eval()
with torch.no_grad():
    for tensor in network.state_dict().values():
        tensor.copy_(torch.arange(tensor.numel()).reshape(tensor.shape) / 8)


def store(program, name):
    """Without the code, which is PyTorch's, and its notes for debuggers: only attributes are read."""
    whole = io.BytesIO()
    torch.jit.save(program, whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(HERE / name, "w") as target:
        for entry in source.namelist():
            if "/code/" not in entry:
                target.writestr(zipfile.ZipInfo(entry), source.read(entry))


store(torch.jit.script(network), "script.pt")
# A trace mangles the names of classes that occur twice.
store(torch.jit.trace(network, torch.zeros(1, 1, 8, 8)), "traced.pt")
# Freezing makes constants without names of the weights.
store(torch.jit.freeze(torch.jit.script(network)), "frozen.pt")
state = {"module." + key: value for key, value in network.state_dict().items()}
torch.save({"epoch": 3, "state_dict": state}, HERE / "wrapped.pt")
torch.save({"checkpoint": {"numbers": [1, 2]}, "epoch": 3}, HERE / "empty.pt")
both = {"params": {"a": torch.zeros(2)}, "params_ema": {"a": torch.ones(2)}}
torch.save(both, HERE / "averaged.pt")
