"""Writes what PyTorch computes for small networks for whole images, as safetensors files in this folder.

Run with Python 3, PyTorch 2 and safetensors: python generate.py
Every number comes from the seeds below. All computations run in double precision and are rounded to
single precision at the end. A file holds "input", "output" (prediction), "loss" (mean of squares of the
training output), "weights.NAME" as in the state dictionary (names as torchvision's), and "gradients.NAME"
of the loss.
"""

import hashlib
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from torch import nn

HERE = pathlib.Path(__file__).parent
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


class Block(nn.Module):
    """A residual block: two 3 x 3 convolutions, or 1 x 1, 3 x 3 with the stride, 1 x 1."""

    def __init__(self, inputs, width, stride, bottleneck):
        super().__init__()
        outputs = 4 * width if bottleneck else width
        steps = (
            [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)]
            if bottleneck
            else [(inputs, width, 3, stride), (width, outputs, 3, 1)]
        )
        self.count = len(steps)
        for index, (a, b, size, step) in enumerate(steps, 1):
            setattr(self, f"conv{index}", nn.Conv2d(a, b, size, step, size // 2, bias=False))
            setattr(self, f"bn{index}", nn.BatchNorm2d(b))
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = x
        for index in range(1, self.count + 1):
            y = getattr(self, f"bn{index}")(getattr(self, f"conv{index}")(y))
            if index < self.count:
                y = F.relu(y)
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Residual(nn.Module):
    def __init__(self, channels, classes, blocks, width, bottleneck, small):
        super().__init__()
        self.small = small
        self.conv1 = (
            nn.Conv2d(channels, width, 3, 1, 1, bias=False)
            if small
            else nn.Conv2d(channels, width, 7, 2, 3, bias=False)
        )
        self.bn1 = nn.BatchNorm2d(width)
        inputs = width
        self.stages = len(blocks)
        for level, count in enumerate(blocks):
            inner = width << level
            stage = []
            for index in range(count):
                stage.append(Block(inputs, inner, 2 if level and not index else 1, bottleneck))
                inputs = inner * (4 if bottleneck else 1)
            setattr(self, f"layer{level + 1}", nn.Sequential(*stage))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        if not self.small:
            y = F.max_pool2d(y, 3, 2, 1)
        for level in range(self.stages):
            y = getattr(self, f"layer{level + 1}")(y)
        return self.fc(y.mean((2, 3)))


class LeNet(nn.Module):
    def __init__(self, channels, classes, features, hidden, size):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, features[0], 5, padding=2)
        self.conv2 = nn.Conv2d(features[0], features[1], 5)
        self.fc1 = nn.Linear(features[1] * ((size // 2 - 4) // 2) ** 2, hidden[0])
        self.fc2 = nn.Linear(hidden[0], hidden[1])
        self.fc3 = nn.Linear(hidden[1], classes)

    def forward(self, x):
        y = F.max_pool2d(F.relu(self.conv1(x)), 2)
        y = F.max_pool2d(F.relu(self.conv2(y)), 2).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(y)))))


def store(name, network, shape, seed):
    torch.manual_seed(seed)
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0.1, 0.3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    # Weights are stored in single precision: computed with what is stored.
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(tensor.float().double())
    x = torch.randn(shape).float().double()
    network.eval()
    arrays = {"input": x, "output": network(x).detach()}
    arrays |= {f"weights.{k}": v.clone() for k, v in network.state_dict().items()}
    network.train()
    loss = network(x).square().mean()
    loss.backward()
    arrays["loss"] = loss.detach().reshape(1)
    arrays |= {f"gradients.{k}": p.grad for k, p in network.named_parameters()}
    arrays = {k: v.numpy() for k, v in arrays.items() if "num_batches" not in k}
    save_file(
        {k: np.ascontiguousarray(v.astype(np.float32)) for k, v in arrays.items()},
        HERE / f"{name}.safetensors",
    )


store("resnet-basic", Residual(2, 3, [1, 2], 4, False, True), (2, 2, 9, 8), 1)
store("resnet-bottleneck", Residual(1, 2, [2, 1, 1], 3, True, False), (2, 1, 40, 36), 2)
store("lenet", LeNet(1, 3, [3, 4], [6, 5], 16), (2, 1, 16, 16), 3)
with open(HERE / "SHA256SUMS", "w") as sums:
    for path in sorted([*HERE.glob("*.safetensors"), *HERE.glob("*.npz")]):
        sums.write(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
