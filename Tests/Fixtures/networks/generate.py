"""Writes what PyTorch computes for small networks, as safetensors files in this folder.

Run with Python 3, PyTorch 2, safetensors and dynamic-network-architectures: python generate.py
Every number comes from the seeds below. All computations run in double precision on the processor
and are rounded to single precision at the end. A file holds "input", "output" (prediction; of all
heads "output.0" and so on), "loss" (mean of squares of the training output, summed over heads),
"weights.NAME" as in the state dictionary, and "gradients.NAME" of the loss.
"""

import hashlib
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet
from safetensors.numpy import save_file
from torch import nn

HERE = pathlib.Path(__file__).parent
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def conv(inputs, outputs, bias=True):
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)


class Classic(nn.Module):
    """Two levels: convolution, batch normalisation, ReLU, twice each; concatenated skips; sigmoid."""

    def __init__(self, inputs, outputs, widths):
        super().__init__()
        self.down = nn.ModuleList(map(self.pair, [inputs, *widths], widths))
        upwards = list(reversed(range(len(widths) - 1)))
        self.up = nn.ModuleList(nn.ConvTranspose2d(widths[i + 1], widths[i], 2, 2) for i in upwards)
        self.merge = nn.ModuleList(self.pair(2 * widths[i], widths[i]) for i in upwards)
        self.head = nn.Conv2d(widths[0], outputs, 1)

    def pair(self, inputs, outputs):
        first = [conv(inputs, outputs, False), nn.BatchNorm2d(outputs), nn.ReLU()]
        second = [conv(outputs, outputs, False), nn.BatchNorm2d(outputs), nn.ReLU()]
        return nn.Sequential(*first, *second)

    def forward(self, x):
        levels = [self.down[0](x)]
        for stage in self.down[1:]:
            levels.append(stage(F.max_pool2d(levels[-1], 2)))
        y = levels.pop()
        for up, merge in zip(self.up, self.merge):
            y = merge(torch.cat((up(y), levels.pop()), 1))
        return self.head(y).sigmoid()


class Dense(nn.Module):
    def __init__(self, width, growth):
        super().__init__()
        outputs = [growth] * 4 + [width]
        self.layers = nn.ModuleList(conv(width + i * growth, o) for i, o in enumerate(outputs))

    def forward(self, x):
        known = x
        for layer in self.layers[:4]:
            known = torch.cat((known, F.leaky_relu(layer(known), float(np.float32(0.2)))), 1)
        return x + self.layers[4](known) * float(np.float32(0.2))


class Generator(nn.Module):
    """ESRGAN's generator, four-fold."""

    def __init__(self, channels, blocks, width, growth):
        super().__init__()
        self.first, self.last = conv(channels, width), conv(width, channels)
        self.after_trunk, self.up1 = conv(width, width), conv(width, width)
        self.up2, self.fine = conv(width, width), conv(width, width)
        trio = lambda: nn.Sequential(*(Dense(width, growth) for _ in range(3)))
        self.trunk = nn.ModuleList(trio() for _ in range(blocks))

    def forward(self, x):
        scale = float(np.float32(0.2))
        start = y = self.first(x)
        for block in self.trunk:
            y = y + block(y) * scale
        y = start + self.after_trunk(y)
        for layer in (self.up1, self.up2):
            y = y.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
            y = F.leaky_relu(layer(y), scale)
        return self.last(F.leaky_relu(self.fine(y), scale))


class Denoiser(nn.Module):
    """DnCNN: the input less what the layers find."""

    def __init__(self, channels, depth, width):
        super().__init__()
        layers = [conv(channels, width), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [conv(width, width, False), nn.BatchNorm2d(width), nn.ReLU()]
        self.layers = nn.Sequential(*layers, conv(width, channels))

    def forward(self, x):
        return x - self.layers(x)


def single(values):
    return np.asarray(values, np.float32).astype(np.float64)


def distinct(network):
    """The state dictionary without the further names of a tensor."""
    known = dict(network.named_parameters()) | dict(network.named_buffers())
    return {key: value for key, value in network.state_dict().items() if key in known}


def store(name, network, shape, seed, aliases=False):
    rng = np.random.default_rng(seed)
    draw = lambda t, scale, offset=0.0: t.copy_(
        torch.tensor(single(rng.standard_normal(tuple(t.shape)) * scale + offset))
    )
    with torch.no_grad():
        for module in network.modules():
            normalises = isinstance(module, (nn.BatchNorm2d, nn.InstanceNorm2d, nn.InstanceNorm3d))
            for key, tensor in module.named_parameters(recurse=False):
                if normalises:
                    draw(tensor, 0.2, 1.0 if key == "weight" else 0.0)
                else:
                    draw(tensor, (2 / max(1, tensor[0].numel())) ** 0.5 if tensor.ndim > 1 else 0.1)
            if isinstance(module, nn.BatchNorm2d):
                draw(module.running_mean, 0.2)
                module.running_var.copy_(
                    torch.tensor(single(rng.uniform(0.5, 1.5, tuple(module.running_var.shape))))
                )
    x = torch.tensor(single(rng.standard_normal(shape)))
    heads = lambda y: y if isinstance(y, (list, tuple)) else [y]
    stored = network.state_dict() if aliases else distinct(network)
    content = {"weights." + key: value.clone() for key, value in stored.items()}
    content["input"] = x
    network.eval()
    for index, y in enumerate(heads(network(x))):
        content[f"output.{index}" if index else "output"] = y
    network.train()
    loss = sum(y.square().mean() for y in heads(network(x)))
    loss.backward()
    content["loss"] = loss
    for key, parameter in network.named_parameters():
        content["gradients." + key] = parameter.grad
    arrays = {}
    for key, value in content.items():
        array = value.detach().numpy()
        arrays[key] = array if array.dtype == np.int64 else array.astype(np.float32)
        arrays[key] = np.ascontiguousarray(arrays[key]).reshape(array.shape)
    save_file(arrays, HERE / f"{name}.safetensors")


def nnunet(kind, dimensions, widths, kernels, strides, units, decoder_units, bias=True):
    options = dict(
        conv_bias=bias,
        norm_op=nn.InstanceNorm3d if dimensions == 3 else nn.InstanceNorm2d,
        norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=nn.LeakyReLU,
        nonlin_kwargs={"negative_slope": float(np.float32(0.01))},
        deep_supervision=True,
    )
    operation = nn.Conv3d if dimensions == 3 else nn.Conv2d
    return kind(
        2, len(widths), widths, operation, kernels, strides, units, 3, decoder_units, **options
    )


torch.manual_seed(0)
store(
    "plain-2d",
    nnunet(PlainConvUNet, 2, [4, 6, 9], 3, [1, 2, 2], [2, 1, 2], [1, 2]),
    (2, 2, 8, 12),
    1,
    aliases=True,
)
UNEVEN = [(1, 3, 3), (3, 3, 3), (3, 1, 3)]
STEPS = [(1, 1, 1), (1, 2, 2), (2, 2, 1)]
store(
    "plain-3d",
    nnunet(PlainConvUNet, 3, [3, 5, 6], UNEVEN, STEPS, [1, 2, 1], [1, 1], bias=False),
    (1, 2, 4, 8, 6),
    2,
)
store(
    "residual-2d",
    nnunet(ResidualEncoderUNet, 2, [4, 6, 6], 3, [1, 2, 2], [1, 2, 2], [1, 1]),
    (2, 2, 8, 12),
    3,
)
store(
    "residual-3d",
    nnunet(ResidualEncoderUNet, 3, [3, 5, 6], UNEVEN, STEPS, [1, 2, 1], [1, 1]),
    (1, 2, 4, 8, 6),
    4,
)
store("classic", Classic(3, 2, [4, 6, 9]), (2, 3, 8, 12), 5)
store("rrdb", Generator(3, 1, 6, 4), (1, 3, 5, 4), 6)
store("dncnn", Denoiser(2, 5, 6), (2, 2, 7, 6), 7)
with open(HERE / "SHA256SUMS", "w") as sums:
    for path in sorted(HERE.glob("*.safetensors")):
        sums.write(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
