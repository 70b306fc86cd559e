"""Writes weights, inputs and PyTorch's outputs for DCGAN's generator and a modulated convolution.

Run: python make_generation.py (torch, numpy). Seeded; the files are small.
"""
import json
import struct

import numpy as np
import torch
from torch.nn import functional as F

torch.manual_seed(20261128)
tensors = {}


def draw(name, *shape, scale=0.3):
    tensors[name] = torch.randn(*shape) * scale
    return tensors[name]


# DCGAN: latent 4, features 8, 16 x 16, grey, two doublings; batch norms in prediction.
widths = [32, 16, 8]
x = draw("dcgan.x", 3, 4, scale=1)
y = F.linear(x, draw("dcgan.start.weight", 512, 4), draw("dcgan.start.bias", 512))
y = y.reshape(3, 32, 4, 4)
for index, width in enumerate(widths):
    if index:
        kernel = draw(f"dcgan.doublings.{index - 1}.weight", widths[index - 1], width, 4, 4)
        y = F.conv_transpose2d(y, kernel, stride=2, padding=1)
    prefix = f"dcgan.norms.{index}."
    mean = draw(prefix + "running_mean", width)
    variance = tensors[prefix + "running_var"] = torch.rand(width) + 0.5
    y = F.relu(F.batch_norm(
        y, mean, variance, draw(prefix + "weight", width), draw(prefix + "bias", width)))
tensors["dcgan.y"] = torch.tanh(F.conv2d(
    y, draw("dcgan.last.weight", 1, 8, 3, 3), draw("dcgan.last.bias", 1), padding=1))

# A modulated convolution with kernels of each sample's own, as one grouped convolution.
x, style = draw("mod.x", 2, 3, 5, 5, scale=1), draw("mod.style", 2, 6, scale=1)
weight = draw("mod.weight", 4, 3, 3, 3)
scales = F.linear(style, draw("mod.affine.weight", 3, 6), draw("mod.affine.bias", 3)) + 1
own = weight[None] * scales[:, None, :, None, None]
own = own * torch.rsqrt(own.square().sum((2, 3, 4), keepdim=True) + 1e-8)
tensors["mod.y"] = F.conv2d(
    x.reshape(1, 6, 5, 5), own.reshape(8, 3, 3, 3), padding=1, groups=2).reshape(2, 4, 5, 5)

header, blob = {}, b""
for name in sorted(tensors):
    data = tensors[name].contiguous().numpy().astype("<f4").tobytes()
    header[name] = {"dtype": "F32", "shape": list(tensors[name].shape),
                    "data_offsets": [len(blob), len(blob) + len(data)]}
    blob += data
text = json.dumps(header, sort_keys=True).encode()
text += b" " * (-len(text) % 8)
with open("generation.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + blob)
