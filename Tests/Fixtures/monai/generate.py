"""Writes what MONAI's networks compute for seeded weights, as safetensors files in this folder.

Run with Python 3, PyTorch 2, MONAI 1.6 and safetensors: python generate.py
A file holds "input" and "output" (prediction, computed in double precision); its metadata's
"tensors" lists the state dictionary as JSON: [name, name that the values are drawn by, shape].
Weights are not stored. They are drawn from the name and the place of each number by `drawn`, which
the tests repeat. Tensors registered under several names are drawn by the first.
"""

import hashlib
import json
import pathlib

import numpy as np
import torch
from monai.networks.nets import UNet, AttentionUnet, BasicUNet, DynUNet, SegResNet, SegResNetDS, VNet
from safetensors.numpy import save_file
from torch import nn

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


class MeshNet(nn.Module):
    """Dilated convolutions; parts numbered in one sequence."""

    def __init__(self, channels, dilations, outputs, norm, act, bias):
        super().__init__()
        parts = []
        for inputs, width, d in zip(channels, channels[1:], dilations):
            parts.append(nn.Conv3d(inputs, width, 3, padding=d, dilation=d, bias=bias))
            parts += [norm(width)] if norm else []
            parts.append(act())
        self.model = nn.Sequential(*parts, nn.Conv3d(channels[-1], outputs, 1))

    def forward(self, x):
        return self.model(x)


def store(name, network, shape):
    state = network.state_dict()
    # The first name of each tensor is the one in named_parameters and named_buffers.
    first = {id(t): key for key, t in [*network.named_parameters(), *network.named_buffers()]}
    tensors = []
    raw = network.state_dict(keep_vars=True)
    with torch.no_grad():
        for key, tensor in raw.items():
            if key.endswith("num_batches_tracked"):
                continue
            own = first[id(tensor)]
            tensor.copy_(torch.tensor(drawn(own, tuple(tensor.shape)).astype(np.float64)))
            tensors.append([key, own, list(tensor.shape)])
    assert len(tensors) <= len(state)
    x = drawn("input", shape) * np.float32(1 / np.sqrt(6 / (np.prod(shape) // shape[0])))
    network.eval()
    with torch.no_grad():
        y = network(torch.tensor(x.astype(np.float64)))
    save_file(
        {"input": x, "output": y.numpy().astype(np.float32)},
        HERE / f"{name}.safetensors",
        metadata={"tensors": json.dumps(tensors)},
    )


group = ("group", {"num_groups": 2})
store("unet-2d", UNet(2, 2, 3, (4, 8, 12), (2, 2), num_res_units=2), (2, 2, 16, 12))
store(
    "unet-3d",
    UNet(3, 1, 2, (4, 6, 8), ((1, 2, 2), (2, 2, 2)), kernel_size=(1, 3, 3), up_kernel_size=3,
         act="relu", norm="batch", bias=False),
    (1, 1, 4, 8, 12),
)
store("unet-order", UNet(2, 1, 2, (4, 6), (2,), num_res_units=1, act=("elu", {"alpha": 1.0}),
                         norm=group, adn_ordering="AN", dropout=0.1), (1, 1, 8, 8))
store("basic-2d", BasicUNet(2, 1, 3, (4, 4, 6, 8, 10, 5)), (1, 1, 32, 16))
store("basic-interpolated", BasicUNet(3, 1, 2, (2, 2, 4, 4, 6, 4), act="relu", norm=group,
                                      upsample="nontrainable"), (1, 1, 16, 16, 16))
store("basic-shuffled", BasicUNet(2, 2, 2, (4, 4, 6, 6, 8, 4), upsample="pixelshuffle"),
      (1, 2, 32, 16))
store(
    "dynunet-3d",
    DynUNet(3, 2, 3, [[1, 3, 3], [3, 3, 3], [3, 3, 3], 3], [1, [1, 2, 2], 2, 2], [[1, 2, 2], 2, 2],
            filters=[4, 4, 6, 8], res_block=True, deep_supervision=True, deep_supr_num=2),
    (1, 2, 8, 16, 16),
)
store("dynunet-2d", DynUNet(2, 1, 2, [3, 5, 3], [1, 2, 2], [2, 2], filters=[4, 6, 8],
                            norm_name="batch", act_name="prelu", trans_bias=True), (2, 1, 16, 12))
store("segresnet-3d", SegResNet(3, 8, 2, 3, blocks_down=(1, 2, 1), blocks_up=(1, 2)),
      (1, 2, 8, 12, 8))
store("segresnet-transposed", SegResNet(2, 4, 1, 2, norm=("batch", {}), act="elu",
                                        blocks_down=(1, 1), blocks_up=(1,), upsample_mode="deconv"),
      (2, 1, 8, 12))
store("segresnet-shuffled", SegResNet(2, 4, 1, 2, norm=group, blocks_down=(1, 1), blocks_up=(1,),
                                      upsample_mode="pixelshuffle"), (1, 1, 8, 12))
store("segresnetds-3d",
      SegResNetDS(3, 4, 2, 3, blocks_down=(1, 2, 1, 1), blocks_up=(1, 2, 1), dsdepth=2,
                  resolution=(1, 1.3, 5)), (1, 2, 16, 8, 6))
store("segresnetds-interpolated",
      SegResNetDS(2, 4, 1, 2, norm="instance", act="leakyrelu", blocks_down=(1, 1, 1),
                  upsample_mode="nontrainable", resolution=(3, 1)), (2, 1, 6, 12))
store("segresnetds-shuffled",
      SegResNetDS(2, 4, 1, 2, norm=group, blocks_down=(0, 1), upsample_mode="pixelshuffle"),
      (1, 1, 8, 12))
store("vnet-2d", VNet(2, 2, 3), (1, 2, 16, 32))
store("attention-2d", AttentionUnet(2, 1, 3, (4, 6, 8), (2, 2)), (1, 1, 16, 12))
store("meshnet-elu", MeshNet((1, 5, 5, 5), (1, 4, 2), 3, None, nn.ELU, True), (1, 1, 9, 10, 11))
store("meshnet-gelu", MeshNet((1, 6, 6), (2, 3), 2,
                              lambda c: nn.GroupNorm(c, c, affine=False),
                              lambda: nn.GELU(approximate="tanh"), False), (1, 1, 8, 9, 10))
store("meshnet-batch", MeshNet((2, 4, 6), (1, 2), 2, nn.BatchNorm3d, nn.ReLU, True),
      (2, 2, 6, 7, 8))

sums = ""
for file in sorted(HERE.glob("*.safetensors")):
    sums += f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
(HERE / "SHA256SUMS").write_text(sums)
