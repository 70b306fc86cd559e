"""Writes what torchvision's networks compute for seeded weights, as safetensors files in this folder.

Run with Python 3, PyTorch 2, torchvision 0.28 and safetensors: python generate.py
A file holds "output" (prediction, computed in double precision); its metadata's "tensors" lists the
state dictionary as JSON: [name, shape], and "input" is the shape of the input. Neither weights nor
inputs are stored. They are drawn from the name and the place of each number by `drawn` (as in
../monai), which the tests repeat; of the input 8 times that.
"""

import hashlib
import json
import pathlib

import numpy as np
import torch
import torchvision.models as models
from safetensors.numpy import save_file
from torch import nn
from torchvision.models.convnext import CNBlockConfig, ConvNeXt
from torchvision.models.densenet import DenseNet
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.models.vgg import VGG, make_layers

HERE = pathlib.Path(__file__).parent
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def drawn(name, shape):
    """Numbers between -1 and 1 from a 32-bit hash, scaled by what the tensor is."""
    seed = 2166136261
    for byte in name.encode():
        seed = ((seed ^ byte) * 16777619) & 0xFFFFFFFF
    count = int(np.prod(shape))
    u = (np.arange(count, dtype=np.uint64) * 2654435761 + seed) & 0xFFFFFFFF
    for shift, factor in ((15, 2246822519), (13, 3266489917)):
        u = ((u ^ (u >> shift)) * factor) & 0xFFFFFFFF
    u ^= u >> np.uint64(16)
    v = u.astype(np.float64) / 4294967296 * 2 - 1
    kind = name.split(".")[-1]
    if len(shape) > 1:
        v *= np.sqrt(6 / (count // shape[0]))
    elif kind == "weight":
        v = 0.2 * v + (0.25 if count == 1 else 1)
    elif kind == "running_var":
        v = 0.5 * v + 1
    else:
        v *= 0.1
    return v.astype(np.float32).reshape(shape)


class LeNet(nn.Module):
    """LeNet-5 in the words of PyTorch's tutorials."""

    def __init__(self, channels, outputs, size, padding, activation, pooling):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 6, 5, padding=padding)
        self.conv2 = nn.Conv2d(6, 16, 5)
        side = ((size + 2 * padding - 4) // 2 - 4) // 2
        self.fc1 = nn.Linear(16 * side * side, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, outputs)
        self.activation, self.pooling = activation, pooling

    def forward(self, x):
        x = self.pooling(self.activation(self.conv1(x)), 2)
        x = self.pooling(self.activation(self.conv2(x)), 2).flatten(1)
        return self.fc3(self.activation(self.fc2(self.activation(self.fc1(x)))))


def store(name, network, shape):
    tensors = []
    with torch.no_grad():
        for key, tensor in network.state_dict(keep_vars=True).items():
            if key.endswith("num_batches_tracked"):
                continue
            tensor.copy_(torch.tensor(drawn(key, tuple(tensor.shape)).astype(np.float64)))
            tensors.append([key, list(tensor.shape)])
    x = 8 * drawn("input", (int(np.prod(shape)),)).reshape(shape)
    network.eval()
    with torch.no_grad():
        y = network(torch.tensor(x.astype(np.float64)))
    # The samples must differ by far more than the tests' tolerance, or nothing would be shown.
    assert (y[0] - y[1]).abs().max() > 0.002 * y.abs().max(), name
    save_file(
        {"output": y.numpy().astype(np.float32)},
        HERE / f"{name}.safetensors",
        metadata={
            "input": json.dumps(list(shape)),
            "tensors": json.dumps(tensors, separators=(",", ":")),
        },
    )


def small(network, channels, width):
    """The stem of He et al. 2016, section 4.2, for small images."""
    network.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
    network.maxpool = nn.Identity()
    return network


def vgg(plan, normalized, widths):
    network = VGG(make_layers(plan, normalized), num_classes=5)
    network.classifier = nn.Sequential(
        nn.Linear(widths[0] * 49, widths[1]), nn.ReLU(), nn.Dropout(),
        nn.Linear(widths[1], widths[1]), nn.ReLU(), nn.Dropout(), nn.Linear(widths[1], 5),
    )
    return network


functional = nn.functional
store("lenet", LeNet(1, 10, 28, 2, functional.relu, functional.max_pool2d), (2, 1, 28, 28))
store("lenet-tanh", LeNet(3, 4, 32, 0, torch.tanh, functional.avg_pool2d), (2, 3, 32, 32))
store("vgg11-bn", vgg([4, "M", 6, "M", 8, 8, "M", 8, 8, "M", 10, 10, "M"], True, (10, 12)),
      (2, 3, 64, 32))
store("vgg16", vgg([4, 4, "M", 6, 6, "M", 8, 8, 8, "M", 8, 8, 8, "M", 10, 10, 10, "M"], False,
                   (10, 12)), (2, 3, 64, 32))
store("resnet18", models.resnet18(num_classes=5), (2, 3, 48, 32))
store("resnet18-small", small(ResNet(BasicBlock, [2, 2, 2, 2], num_classes=5), 1, 64),
      (2, 1, 28, 28))
store("resnet34", models.resnet34(num_classes=5), (2, 3, 32, 32))
store("resnet50", models.resnet50(num_classes=5), (2, 3, 48, 32))
store("resnet50-small", small(ResNet(Bottleneck, [1, 1, 1, 1], num_classes=5), 3, 64),
      (2, 3, 28, 20))
store("densenet121", models.densenet121(num_classes=5), (2, 3, 48, 32))
store("densenet", DenseNet(6, (2, 3, 1), 10, num_classes=5), (2, 3, 32, 32))
store("mobilenetv3-small", models.mobilenet_v3_small(num_classes=5), (2, 3, 48, 32))
store("mobilenetv3-large", models.mobilenet_v3_large(num_classes=5), (2, 3, 48, 32))
store("mobilenetv3-narrow", models.mobilenet_v3_small(num_classes=5, width_mult=0.35),
      (2, 3, 32, 32))
store("convnext-tiny", models.convnext_tiny(num_classes=5), (2, 3, 64, 32))
store("convnext", ConvNeXt([CNBlockConfig(8, 12, 2), CNBlockConfig(12, None, 1)], num_classes=5),
      (2, 3, 24, 32))

sums = ""
for file in sorted(HERE.glob("*.safetensors")):
    sums += f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
(HERE / "SHA256SUMS").write_text(sums)
