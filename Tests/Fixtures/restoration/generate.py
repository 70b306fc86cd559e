"""Writes what PyTorch computes for small networks that turn images into images, as safetensors files.

Run with Python 3, PyTorch 2 and safetensors: python generate.py
Every number comes from the seeds below. All computations run in double precision on the processor and are
rounded to single precision at the end. A file holds "input", "output" (prediction), "loss" (mean of squares
of the training output), "weights.NAME" as in the state dictionary, and "gradients.NAME" of the loss. The
files under names/ have the names that other programs give the same parameters, with "input" and "output".
"""

import hashlib
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

HERE = pathlib.Path(__file__).parent
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def f32(value):
    return float(np.float32(value))


class Axes:
    """The layers of two or three axes."""

    def __init__(self, dimensions):
        two = dimensions == 2
        self.n = dimensions
        self.conv_type = nn.Conv2d if two else nn.Conv3d
        self.up_type = nn.ConvTranspose2d if two else nn.ConvTranspose3d
        self.batch = nn.BatchNorm2d if two else nn.BatchNorm3d
        self.instance = nn.InstanceNorm2d if two else nn.InstanceNorm3d
        self.pool = F.max_pool2d if two else F.max_pool3d
        self.mean = F.avg_pool2d if two else F.avg_pool3d
        self.mirror = nn.ReflectionPad2d if two else nn.ReflectionPad3d

    def conv(self, i, o, k=3, s=1, p=None, bias=True):
        return self.conv_type(i, o, k, s, k // 2 if p is None else p, bias=bias)


def shuffle(x, r):
    """Sub-pixel enlargement of any number of axes."""
    d = x.ndim - 2
    n, c, size = x.shape[0], x.shape[1] // r**d, x.shape[2:]
    y = x.reshape(n, c, *[r] * d, *size)
    order = [0, 1] + [a for i in range(d) for a in (2 + d + i, 2 + i)]
    return y.permute(order).reshape(n, c, *[r * s for s in size])


def unshuffle(x, r):
    d = x.ndim - 2
    n, c, size = x.shape[0], x.shape[1], [s // r for s in x.shape[2:]]
    y = x.reshape(n, c, *[a for s in size for a in (s, r)])
    order = [0, 1] + [3 + 2 * i for i in range(d)] + [2 + 2 * i for i in range(d)]
    return y.permute(order).reshape(n, c * r**d, *size)


def larger(x, r, mode="nearest"):
    if mode == "linear":
        mode = "bilinear" if x.ndim == 4 else "trilinear"
        return F.interpolate(x, scale_factor=r, mode=mode, align_corners=False)
    return F.interpolate(x, scale_factor=r, mode="nearest")


def middle(x, channels):
    start = (x.shape[1] - channels) // 2
    return x[:, start : start + channels]


def chain(a, inputs, outputs, width, depth, bias=True):
    layers = [a.conv(inputs, width, bias=bias), nn.ReLU()]
    for _ in range(depth - 2):
        layers += [a.conv(width, width, bias=bias), nn.ReLU()]
    return nn.Sequential(*layers, a.conv(width, outputs, bias=bias))


class Denoiser(nn.Module):
    def __init__(self, a, inputs, channels, depth, width, bias, norm, eps=1e-5):
        super().__init__()
        ends, inner = bias != "none", bias == "all"
        layers = [a.conv(inputs, width, bias=ends), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [a.conv(width, width, bias=inner)]
            layers += [a.batch(width, eps=f32(eps))] if norm else []
            layers += [nn.ReLU()]
        self.channels = channels
        self.layers = nn.Sequential(*layers, a.conv(width, channels, bias=ends))

    def forward(self, x):
        return middle(x, self.channels) - self.layers(x)


class FFDNet(nn.Module):
    def __init__(self, a, channels, depth, width, context=0):
        super().__init__()
        self.a, cells = a, 2**a.n
        self.model = chain(a, channels * (1 + 2 * context) * cells + 1, channels * cells, width, depth)

    def forward(self, x):
        level = self.a.mean(x[:, -1:], 2)
        return shuffle(self.model(torch.cat((unshuffle(x[:, :-1], 2), level), 1)), 2)


class VDSR(nn.Module):
    def __init__(self, a, inputs, channels, depth, width):
        super().__init__()
        self.channels = channels
        self.features = chain(a, inputs, channels, width, depth, bias=False)

    def forward(self, x):
        return middle(x, self.channels) + self.features(x)


class SRCNN(nn.Module):
    def __init__(self, a, channels, widths, windows):
        super().__init__()
        self.conv1 = a.conv(channels, widths[0], windows[0])
        self.conv2 = a.conv(widths[0], widths[1], windows[1])
        self.conv3 = a.conv(widths[1], channels, windows[2])

    def forward(self, x):
        return self.conv3(self.conv2(self.conv1(x).relu()).relu())


class FSRCNN(nn.Module):
    def __init__(self, a, channels, d, s, m, scale):
        super().__init__()
        self.first_part = nn.Sequential(a.conv(channels, d, 5), nn.PReLU(d))
        layers = [a.conv(d, s, 1), nn.PReLU(s)]
        for _ in range(m):
            layers += [a.conv(s, s), nn.PReLU(s)]
        self.mid_part = nn.Sequential(*layers, a.conv(s, d, 1), nn.PReLU(d))
        self.last_part = a.up_type(d, channels, 9, scale, 4, scale - 1)

    def forward(self, x):
        return self.last_part(self.mid_part(self.first_part(x)))


class ESPCN(nn.Module):
    def __init__(self, a, channels, widths, scale):
        super().__init__()
        self.scale = scale
        self.first_part = nn.Sequential(
            a.conv(channels, widths[0], 5), nn.Tanh(), a.conv(widths[0], widths[1]), nn.Tanh()
        )
        self.last_part = nn.Sequential(a.conv(widths[1], channels * scale**a.n))

    def forward(self, x):
        return shuffle(self.last_part(self.first_part(x)), self.scale)


class Shift(nn.Conv2d):
    """A fixed shift of the channels, as EDSR's program has it."""

    def __init__(self, mean, sign):
        super().__init__(len(mean), len(mean), 1)
        self.weight.data = torch.eye(len(mean))[:, :, None, None]
        self.bias.data = sign * torch.tensor(mean)
        self.requires_grad_(False)


class EDSRBlock(nn.Module):
    def __init__(self, a, width, scale):
        super().__init__()
        self.scale = scale
        self.body = nn.Sequential(a.conv(width, width), nn.ReLU(), a.conv(width, width))

    def forward(self, x):
        return x + self.body(x) * self.scale


def factors(scale):
    return [3] if scale == 3 else [2] * (scale.bit_length() - 1)


class Shuffle(nn.Module):
    def __init__(self, r):
        super().__init__()
        self.r = r

    def forward(self, x):
        return shuffle(x, self.r)


class EDSR(nn.Module):
    def __init__(self, a, channels, blocks, width, scale, residual=1.0, mean=None):
        super().__init__()
        if mean:
            self.sub_mean, self.add_mean = Shift(mean, -1), Shift(mean, 1)
        self.shifts = mean is not None
        self.head = nn.Sequential(a.conv(channels, width))
        body = [EDSRBlock(a, width, residual) for _ in range(blocks)]
        self.body = nn.Sequential(*body, a.conv(width, width))
        up = [m for r in factors(scale) for m in (a.conv(width, width * r**a.n), Shuffle(r))]
        self.tail = nn.Sequential(nn.Sequential(*up), a.conv(width, channels))

    def forward(self, x):
        x = self.head(self.sub_mean(x) if self.shifts else x)
        y = self.tail(x + self.body(x))
        return self.add_mean(y) if self.shifts else y


class PlainBlock(nn.Module):
    def __init__(self, a, width):
        super().__init__()
        self.conv1, self.conv2 = a.conv(width, width), a.conv(width, width)

    def forward(self, x):
        return x + self.conv2(self.conv1(x).relu())


class MSRResNet(nn.Module):
    def __init__(self, a, inputs, channels, blocks, width, scale):
        super().__init__()
        self.channels, self.scale = channels, scale
        self.conv_first = a.conv(inputs, width)
        self.body = nn.Sequential(*(PlainBlock(a, width) for _ in range(blocks)))
        for i, r in enumerate(factors(scale)):
            setattr(self, f"upconv{i + 1}", a.conv(width, width * r**a.n))
        self.conv_hr, self.conv_last = a.conv(width, width), a.conv(width, channels)

    def forward(self, x):
        act = lambda t: F.leaky_relu(t, f32(0.1))
        y = self.body(act(self.conv_first(x)))
        for i, r in enumerate(factors(self.scale)):
            y = act(shuffle(getattr(self, f"upconv{i + 1}")(y), r))
        y = self.conv_last(act(self.conv_hr(y)))
        return y + larger(middle(x, self.channels), self.scale, "linear")


class SRBlock(nn.Module):
    def __init__(self, a, width):
        super().__init__()
        self.conv1, self.norm1 = a.conv(width, width, bias=False), a.batch(width)
        self.slope = nn.PReLU()
        self.conv2, self.norm2 = a.conv(width, width, bias=False), a.batch(width)

    def forward(self, x):
        return x + self.norm2(self.conv2(self.slope(self.norm1(self.conv1(x)))))


class SRStep(nn.Module):
    def __init__(self, a, width, r):
        super().__init__()
        self.r, self.convolution, self.slope = r, a.conv(width, width * r**a.n), nn.PReLU()

    def forward(self, x):
        return self.slope(shuffle(self.convolution(x), self.r))


class SRResNet(nn.Module):
    def __init__(self, a, channels, blocks, width, scale):
        super().__init__()
        self.first, self.first_slope = a.conv(channels, width, 9), nn.PReLU()
        self.blocks = nn.Sequential(*(SRBlock(a, width) for _ in range(blocks)))
        self.after_blocks, self.normalization = a.conv(width, width), a.batch(width)
        self.up = nn.Sequential(*(SRStep(a, width, r) for r in factors(scale)))
        self.last = a.conv(width, channels, 9)

    def forward(self, x):
        x = self.first_slope(self.first(x))
        return self.last(self.up(x + self.normalization(self.after_blocks(self.blocks(x)))))


class CompactSR(nn.Module):
    def __init__(self, a, channels, depth, width, scale):
        super().__init__()
        self.scale = scale
        layers = [a.conv(channels, width), nn.PReLU(width)]
        for _ in range(depth):
            layers += [a.conv(width, width), nn.PReLU(width)]
        self.body = nn.Sequential(*layers, a.conv(width, channels * scale**a.n))

    def forward(self, x):
        return shuffle(self.body(x), self.scale) + larger(x, self.scale)


class Autoencoder(nn.Module):
    def __init__(self, a, inputs, channels, widths):
        super().__init__()
        self.a = a
        self.encoder = nn.ModuleList(a.conv(i, o) for i, o in zip([inputs, *widths], widths))
        back = widths[::-1]
        self.decoder = nn.ModuleList(a.conv(i, o) for i, o in zip([back[0], *back], back))
        self.last = a.conv(widths[0], channels)

    def forward(self, x):
        for layer in self.encoder:
            x = self.a.pool(layer(x).relu(), 2)
        for layer in self.decoder:
            x = larger(layer(x).relu(), 2)
        return self.last(x)


class Dense(nn.Module):
    def __init__(self, a, width, growth):
        super().__init__()
        outputs = [growth] * 4 + [width]
        self.layers = nn.ModuleList(a.conv(width + i * growth, o) for i, o in enumerate(outputs))

    def forward(self, x):
        known = x
        for layer in self.layers[:4]:
            known = torch.cat((known, F.leaky_relu(layer(known), f32(0.2))), 1)
        return x + self.layers[4](known) * f32(0.2)


class Generator(nn.Module):
    def __init__(self, a, channels, blocks, width, growth, doublings, unshuffling):
        super().__init__()
        self.doublings, self.unshuffling = doublings, unshuffling
        self.first = a.conv(channels * unshuffling**a.n, width)
        trio = lambda: nn.Sequential(*(Dense(a, width, growth) for _ in range(3)))
        self.trunk = nn.ModuleList(trio() for _ in range(blocks))
        self.after_trunk = a.conv(width, width)
        for i in range(doublings):
            setattr(self, f"up{i + 1}", a.conv(width, width))
        self.fine, self.last = a.conv(width, width), a.conv(width, channels)

    def forward(self, x):
        x = unshuffle(x, self.unshuffling) if self.unshuffling > 1 else x
        start = y = self.first(x)
        for block in self.trunk:
            y = y + block(y) * f32(0.2)
        y = start + self.after_trunk(y)
        for i in range(self.doublings):
            y = F.leaky_relu(getattr(self, f"up{i + 1}")(larger(y, 2)), f32(0.2))
        return self.last(F.leaky_relu(self.fine(y), f32(0.2)))


class Step(nn.Module):
    def __init__(self, conv, norm=None):
        super().__init__()
        self.conv, self.norm = conv, norm

    def forward(self, x):
        return self.norm(self.conv(x)) if self.norm is not None else self.conv(x)


class Translator(nn.Module):
    """Pix2Pix's U-Net without dropout."""

    def __init__(self, a, inputs, outputs, width, depth):
        super().__init__()
        w = [width * min(8, 2**i) for i in range(depth)]
        norm = lambda i: a.batch(w[i]) if 0 < i < depth - 1 else None
        self.down = nn.ModuleList(
            Step(a.conv_type(inputs if i == 0 else w[i - 1], w[i], 4, 2, 1), norm(i))
            for i in range(depth)
        )
        ups = []
        for i in reversed(range(depth)):
            o = outputs if i == 0 else w[i - 1]
            conv = a.up_type(w[i] * (1 if i == depth - 1 else 2), o, 4, 2, 1)
            ups.append(Step(conv, None if i == 0 else a.batch(o)))
        self.up = nn.ModuleList(ups)

    def forward(self, x):
        skips = []
        for i, step in enumerate(self.down):
            x = step(x if i == 0 else F.leaky_relu(x, f32(0.2)))
            skips.append(x)
        skips.pop()
        for i, step in enumerate(self.up):
            x = step((x if i == 0 else torch.cat((skips.pop(), x), 1)).relu())
        return x.tanh()


class MirrorBlock(nn.Module):
    def __init__(self, a, width, norm):
        super().__init__()
        half = lambda: [a.mirror(1), a.conv(width, width, p=0), norm(width)]
        self.conv_block = nn.Sequential(*half(), nn.ReLU(), *half())

    def forward(self, x):
        return x + self.conv_block(x)


class ResNetTranslator(nn.Module):
    """CycleGAN's generator."""

    def __init__(self, a, inputs, outputs, width, blocks):
        super().__init__()
        norm = lambda c: a.instance(c, eps=f32(1e-5))
        layers = [a.mirror(3), a.conv(inputs, width, 7, p=0), norm(width), nn.ReLU()]
        for i in range(2):
            c = width * 2**i
            layers += [a.conv(c, 2 * c, 3, 2, 1), norm(2 * c), nn.ReLU()]
        layers += [MirrorBlock(a, 4 * width, norm) for _ in range(blocks)]
        for i in (1, 0):
            c = width * 2**i
            layers += [a.up_type(2 * c, c, 3, 2, 1, 1), norm(c), nn.ReLU()]
        layers += [a.mirror(3), a.conv(width, outputs, 7, p=0), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x)


class TimeBlock(nn.Module):
    def __init__(self, a, i, o, embedded, groups):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, i, eps=f32(1e-5)), a.conv(i, o)
        self.embedding = nn.Linear(embedded, o)
        self.norm2, self.conv2 = nn.GroupNorm(groups, o, eps=f32(1e-5)), a.conv(o, o)
        self.shortcut = a.conv(i, o, 1) if i != o else nn.Identity()

    def forward(self, x, time):
        y = self.conv1(F.silu(self.norm1(x)))
        y = y + self.embedding(time).reshape(y.shape[:2] + (1,) * (y.ndim - 2))
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(y)))


class Attention(nn.Module):
    def __init__(self, width, groups, heads):
        super().__init__()
        self.heads, self.norm = heads, nn.GroupNorm(groups, width, eps=f32(1e-5))
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.output = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x):
        cells = self.norm(x).flatten(2).transpose(1, 2)
        split = lambda t: t.unflatten(2, (self.heads, -1)).transpose(1, 2)
        parts = [split(m(cells)) for m in (self.query, self.key, self.value)]
        y = F.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
        return x + self.output(y).transpose(1, 2).reshape(x.shape)


class Level(nn.Module):
    def __init__(self, blocks, name=None, layer=None):
        super().__init__()
        self.blocks, self.extra = nn.ModuleList(blocks), name
        if name:
            setattr(self, name, layer)


class Diffusion(nn.Module):
    def __init__(self, a, channels, conditions, widths, blocks, groups, heads):
        super().__init__()
        self.width = widths[0]
        e = 4 * widths[0]
        self.embedding = nn.ModuleList([nn.Linear(widths[0], e), nn.Linear(e, e)])
        self.first = a.conv(channels + conditions, widths[0])
        skips, downs, c = [widths[0]], [], widths[0]
        for level, w in enumerate(widths):
            made = []
            for _ in range(blocks):
                made.append(TimeBlock(a, c, w, e, groups))
                c = w
                skips.append(c)
            if level < len(widths) - 1:
                downs.append(Level(made, "halving", a.conv(c, c, 3, 2)))
                skips.append(c)
            else:
                downs.append(Level(made))
        self.down = nn.ModuleList(downs)
        self.middle = nn.ModuleList([TimeBlock(a, c, c, e, groups) for _ in range(2)])
        self.attention = Attention(c, groups, heads)
        ups = []
        for level, w in reversed(list(enumerate(widths))):
            made = []
            for _ in range(blocks + 1):
                made.append(TimeBlock(a, c + skips.pop(), w, e, groups))
                c = w
            ups.append(Level(made, "doubling", a.conv(c, c)) if level else Level(made))
        self.up = nn.ModuleList(ups)
        self.normalization = nn.GroupNorm(groups, c, eps=f32(1e-5))
        self.last = a.conv(c, channels)

    def forward(self, x):
        step = x[:, -1].flatten(1)[:, :1]
        half = self.width // 2
        rate = torch.exp(-np.log(10000.0) * torch.arange(half) / max(1, half - 1))
        table = torch.cat(((step * rate).sin(), (step * rate).cos()), 1)
        time = F.silu(self.embedding[1](F.silu(self.embedding[0](table))))
        y = self.first(x[:, :-1])
        skips = [y]
        for level in self.down:
            for block in level.blocks:
                y = block(y, time)
                skips.append(y)
            if level.extra:
                y = level.halving(y)
                skips.append(y)
        y = self.middle[1](self.attention(self.middle[0](y, time)), time)
        for level in self.up:
            for block in level.blocks:
                y = block(torch.cat((y, skips.pop()), 1), time)
            if level.extra:
                y = level.doubling(larger(y, 2))
        return self.last(F.silu(self.normalization(y)))


class Patch(nn.Module):
    def __init__(self, a, inputs, width, layers, norm, spectral):
        super().__init__()
        wrap = spectral_norm if spectral else (lambda m: m)
        made = [wrap(a.conv_type(inputs, width, 4, 2, 1)), nn.LeakyReLU(f32(0.2))]
        c = width
        for i in range(1, layers + 1):
            o = width * min(8, 2**i)
            made += [wrap(a.conv_type(c, o, 4, 2 if i < layers else 1, 1, bias=not norm))]
            made += [a.batch(o)] if norm else []
            made += [nn.LeakyReLU(f32(0.2))]
            c = o
        self.model = nn.Sequential(*made, wrap(a.conv_type(c, 1, 4, 1, 1)))

    def forward(self, x):
        return self.model(x)


class VGG(nn.Module):
    def __init__(self, a, inputs, width, stages, window, hidden, size, spectral=False):
        super().__init__()
        wrap = spectral_norm if spectral else (lambda m: m)
        self.stages = stages
        c = inputs
        for i in range(stages):
            o = width * min(8, 2**i)
            setattr(self, f"conv{i}_0", wrap(a.conv_type(c, o, 3, 1, 1, bias=i == 0)))
            if i:
                setattr(self, f"bn{i}_0", a.batch(o))
            setattr(self, f"conv{i}_1", wrap(a.conv_type(o, o, window, 2, 1, bias=False)))
            setattr(self, f"bn{i}_1", a.batch(o))
            c = o
        self.linear1 = wrap(nn.Linear(c * (size >> stages) ** a.n, hidden))
        self.linear2 = wrap(nn.Linear(hidden, 1))

    def forward(self, x):
        act = lambda t: F.leaky_relu(t, f32(0.2))
        for i in range(self.stages):
            x = getattr(self, f"conv{i}_0")(x)
            x = act(getattr(self, f"bn{i}_0")(x) if i else x)
            x = act(getattr(self, f"bn{i}_1")(getattr(self, f"conv{i}_1")(x)))
        return self.linear2(act(self.linear1(x.flatten(1))))


def single(values):
    return np.asarray(values, np.float32).astype(np.float64)


def fill(network, rng):
    """Seeded weights, as networks/generate.py draws them."""
    draw = lambda t, scale, offset=0.0: t.copy_(
        torch.tensor(single(rng.standard_normal(tuple(t.shape)) * scale + offset))
    )
    batches = (nn.BatchNorm2d, nn.BatchNorm3d)
    with torch.no_grad():
        for module in network.modules():
            for key, tensor in module.named_parameters(recurse=False):
                if isinstance(module, Shift):
                    continue
                if isinstance(module, (*batches, nn.GroupNorm)):
                    draw(tensor, 0.2, 1.0 if key == "weight" else 0.0)
                elif isinstance(module, nn.PReLU):
                    draw(tensor, 0.1, 0.25)
                else:
                    draw(tensor, (2 / max(1, tensor[0].numel())) ** 0.5 if tensor.ndim > 1 else 0.1)
            if isinstance(module, batches):
                draw(module.running_mean, 0.2)
                module.running_var.copy_(
                    torch.tensor(single(rng.uniform(0.5, 1.5, tuple(module.running_var.shape))))
                )
            for key, buffer in module.named_buffers(recurse=False):
                if key in ("_u", "_v"):
                    buffer.copy_(torch.tensor(single(buffer.numpy())))


def write(path, content):
    arrays = {}
    for key, value in content.items():
        array = value.detach().numpy()
        if array.dtype == np.int64:
            continue
        arrays[key] = np.ascontiguousarray(array.astype(np.float32)).reshape(array.shape)
    path.parent.mkdir(exist_ok=True)
    save_file(arrays, path)


def store(name, network, shape, seed, level=None, names={}):
    """Writes a network; names are further files with the state dictionary renamed."""
    rng = np.random.default_rng(seed)
    fill(network, rng)
    x = torch.tensor(single(rng.standard_normal(shape)))
    if level is not None:
        x[:, -1] = torch.tensor(single(level)).reshape((-1,) + (1,) * (x.ndim - 2))
    weights = {key: value.clone() for key, value in network.state_dict().items()}
    network.eval()
    content = {"input": x, "output": network(x)}
    for kind, rename in names.items():
        renamed = {f"weights.{rename(key)}": value for key, value in weights.items()}
        write(HERE / "names" / f"{kind}.safetensors", renamed | content)
    content |= {"weights." + key: value for key, value in weights.items()}
    network.train()
    content["loss"] = network(x).square().mean()
    content["loss"].backward()
    for key, parameter in network.named_parameters():
        if parameter.requires_grad:
            content["gradients." + key] = parameter.grad
    write(HERE / f"{name}.safetensors", content)


def kair(key):
    return key.replace("layers.", "model.", 1)


def prefix(new):
    return lambda key: key.replace("layers.", new + ".", 1)


def older_vdsr(depth):
    def rename(key):
        place = int(key.split(".")[1]) // 2
        if place in (0, depth - 1):
            return "input.weight" if place == 0 else "output.weight"
        return f"residual_layer.{place - 1}.conv.weight"

    return rename


def rrdb_modules(trunk, dense, fixed, up):
    def rename(key):
        p = key.split(".")
        if p[0] == "trunk":
            return f"{trunk}.{p[1]}.{dense}{int(p[2]) + 1}.conv{int(p[4]) + 1}.{p[5]}"
        if p[0].startswith("up"):
            return f"{up}{p[0][2:]}.{p[1]}"
        return f"{fixed[p[0]]}.{p[1]}"

    return rename


def rrdb_sequence(blocks, doublings):
    def rename(key):
        p = key.split(".")
        if p[0] == "trunk":
            return f"model.1.sub.{p[1]}.RDB{int(p[2]) + 1}.conv{int(p[4]) + 1}.0.{p[5]}"
        places = {"first": "0", "after_trunk": f"1.sub.{blocks}"}
        places |= {f"up{i + 1}": f"{3 * i + 3}" for i in range(doublings)}
        places |= {"fine": f"{3 * doublings + 2}", "last": f"{3 * doublings + 4}"}
        return f"model.{places[p[0]]}.{p[1]}"

    return rename


ESRGAN = rrdb_modules(
    "RRDB_trunk",
    "RDB",
    {"first": "conv_first", "after_trunk": "trunk_conv", "fine": "HRconv", "last": "conv_last"},
    "upconv",
)
BASICSR = rrdb_modules(
    "body",
    "rdb",
    {"first": "conv_first", "after_trunk": "conv_body", "fine": "conv_hr", "last": "conv_last"},
    "conv_up",
)


def older_msr(key):
    return key.replace("body.", "recon_trunk.", 1).replace("conv_hr.", "HRconv.", 1)




def mirrored_conv(i, o, k=3, s=1):
    """A convolution over mirrored borders, called conv2d inside."""

    class Mirrored(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv2d = nn.Conv2d(i, o, k, s)

        def forward(self, x):
            return self.conv2d(F.pad(x, [k // 2] * 4, mode="reflect"))

    return Mirrored()


class StyleBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1, self.conv2 = mirrored_conv(c, c), mirrored_conv(c, c)
        self.in1, self.in2 = nn.InstanceNorm2d(c, affine=True), nn.InstanceNorm2d(c, affine=True)

    def forward(self, x):
        return x + self.in2(self.conv2(F.relu(self.in1(self.conv1(x)))))


class StyleTransfer(nn.Module):
    """Johnson's network as PyTorch's example names its parameters."""

    def __init__(self, c, f, blocks):
        super().__init__()
        self.blocks = blocks
        widths = [f, 2 * f, 4 * f]
        shapes = [(c, f, 9, 1), (f, 2 * f, 3, 2), (2 * f, 4 * f, 3, 2)]
        for i, shape in enumerate(shapes):
            setattr(self, f"conv{i + 1}", mirrored_conv(*shape))
            setattr(self, f"in{i + 1}", nn.InstanceNorm2d(shape[1], affine=True))
        for i in range(blocks):
            setattr(self, f"res{i + 1}", StyleBlock(widths[2]))
        for i in range(2):
            setattr(self, f"deconv{i + 1}", mirrored_conv(widths[2 - i], widths[1 - i]))
            setattr(self, f"in{i + 4}", nn.InstanceNorm2d(widths[1 - i], affine=True))
        self.deconv3 = mirrored_conv(f, c, 9)

    def forward(self, x):
        for i in range(3):
            x = F.relu(getattr(self, f"in{i + 1}")(getattr(self, f"conv{i + 1}")(x)))
        for i in range(self.blocks):
            x = getattr(self, f"res{i + 1}")(x)
        for i in range(2):
            x = getattr(self, f"deconv{i + 1}")(larger(x, 2))
            x = F.relu(getattr(self, f"in{i + 4}")(x))
        return self.deconv3(x)


class AdaIN(nn.Module):
    """An encoder and its mirror image as sequences, with statistics exchanged between them."""

    def __init__(self, c, features, units):
        super().__init__()

        def conv(i, o):
            return [nn.ReflectionPad2d(1), nn.Conv2d(i, o, 3), nn.ReLU()]

        encoder, decoder, i = [nn.Conv2d(c, c, 1)], [], c
        for f, n in zip(features, units + [1]):
            for _ in range(n):
                encoder += conv(i, f)
                i = f
            encoder += [nn.MaxPool2d(2)]
        for f, n in reversed(list(zip(features, units))):
            decoder += conv(i, f) + [nn.Upsample(scale_factor=2)]
            i = f
            for _ in range(n - 1):
                decoder += conv(i, i)
        decoder += conv(i, c)[:2]
        self.encoder, self.decoder = nn.Sequential(*encoder[:-1]), nn.Sequential(*decoder)

    def forward(self, x):
        def statistics(y):
            mean = y.mean((2, 3), keepdim=True)
            return mean, (((y - mean) ** 2).mean((2, 3), keepdim=True) + f32(1e-5)).sqrt()

        content, style = [self.encoder(y) for y in x.chunk(2, 1)]
        (own, width), (mean, deviation) = statistics(content), statistics(style)
        return self.decoder((content - own) / width * deviation + mean)


torch.manual_seed(0)
P, V = Axes(2), Axes(3)
store(
    "dncnn-plain",
    Denoiser(P, 2, 2, 4, 6, "all", False),
    (2, 2, 7, 6),
    11,
    names={"dncnn-kair": kair},
)
store("dncnn-slices", Denoiser(P, 3, 1, 4, 5, "ends", True), (2, 3, 7, 6), 12)
store("dncnn-3d", Denoiser(V, 1, 1, 4, 4, "all", False), (1, 1, 5, 6, 4), 13)
store(
    "dncnn-epsilon",
    Denoiser(P, 1, 1, 4, 5, "all", True, eps=1e-4),
    (2, 1, 7, 6),
    14,
    names={"dncnn-kair-bn": kair},
)
store(
    "dncnn-no-bias",
    Denoiser(P, 1, 1, 4, 5, "none", True),
    (2, 1, 7, 6),
    15,
    names={"dncnn-saoyan": prefix("module.dncnn")},
)
store("ffdnet", FFDNet(P, 1, 4, 6), (2, 2, 8, 6), 16, level=[0.1, 0.3])
store("ffdnet-slices", FFDNet(P, 2, 3, 6, context=1), (1, 7, 6, 8), 17)
store("ffdnet-3d", FFDNet(V, 1, 3, 6), (1, 2, 4, 6, 4), 18)
store(
    "vdsr",
    VDSR(P, 1, 1, 5, 6),
    (2, 1, 7, 6),
    19,
    names={"vdsr-older": older_vdsr(5)},
)
store("vdsr-slices", VDSR(P, 6, 2, 4, 6), (1, 6, 7, 6), 20)
store("vdsr-3d", VDSR(V, 1, 1, 4, 4), (1, 1, 5, 4, 6), 21)
store("srcnn", SRCNN(P, 1, [6, 4], [9, 1, 5]), (2, 1, 9, 8), 22)
store("srcnn-3d", SRCNN(V, 1, [4, 3], [5, 1, 3]), (1, 1, 5, 6, 4), 23)
store("fsrcnn", FSRCNN(P, 1, 8, 4, 2, 3), (2, 1, 6, 5), 24)
store("fsrcnn-3d", FSRCNN(V, 1, 5, 3, 1, 2), (1, 1, 3, 4, 3), 25)
store("espcn", ESPCN(P, 1, [6, 4], 3), (2, 1, 6, 5), 26)
store("espcn-3d", ESPCN(V, 1, [5, 4], 2), (1, 1, 4, 3, 5), 27)
store(
    "edsr",
    EDSR(P, 3, 2, 6, 4, mean=[114.444, 111.4605, 103.02]),
    (1, 3, 6, 5),
    28,
)
store("edsr-scaled", EDSR(P, 1, 2, 6, 3, residual=f32(0.1)), (1, 1, 6, 5), 29)
store("edsr-3d", EDSR(V, 1, 1, 4, 2), (1, 1, 4, 3, 5), 30)
store(
    "msrresnet",
    MSRResNet(P, 3, 3, 2, 6, 4),
    (1, 3, 6, 5),
    31,
    names={"msrresnet-older": older_msr},
)
store("msrresnet-slices", MSRResNet(P, 3, 1, 1, 6, 3), (1, 3, 6, 5), 32)
store("msrresnet-3d", MSRResNet(V, 1, 1, 1, 4, 2), (1, 1, 4, 3, 5), 33)
store("srresnet", SRResNet(P, 2, 2, 6, 4), (2, 2, 5, 6), 34)
store("srresnet-3d", SRResNet(V, 1, 1, 4, 2), (1, 1, 4, 3, 5), 35)
store("compact-sr", CompactSR(P, 3, 2, 6, 2), (1, 3, 6, 5), 36)
store("autoencoder", Autoencoder(P, 3, 1, [6, 4]), (2, 3, 8, 12), 37)
store("autoencoder-3d", Autoencoder(V, 1, 1, [4]), (1, 1, 4, 6, 4), 38)
store(
    "rrdb-four",
    Generator(P, 3, 2, 6, 4, 2, 1),
    (1, 3, 5, 4),
    39,
    names={
        "rrdb-esrgan": ESRGAN,
        "rrdb-basicsr": BASICSR,
        "rrdb-sequence": rrdb_sequence(2, 2),
    },
)
store(
    "rrdb-two",
    Generator(P, 3, 1, 6, 4, 2, 2),
    (1, 3, 6, 4),
    40,
    names={"rrdb-basicsr-two": BASICSR},
)
store(
    "rrdb-once",
    Generator(P, 1, 1, 5, 3, 1, 1),
    (1, 1, 6, 4),
    41,
    names={"rrdb-sequence-one": rrdb_sequence(1, 1)},
)
store("rrdb-3d", Generator(V, 1, 1, 4, 2, 1, 1), (1, 1, 3, 4, 3), 42)
store("pix2pix", Translator(P, 2, 1, 4, 3), (2, 2, 16, 8), 43)
store("pix2pix-3d", Translator(V, 1, 1, 3, 2), (1, 1, 8, 4, 8), 44)
store("cyclegan", ResNetTranslator(P, 2, 1, 4, 2), (2, 2, 16, 8), 45)
store("cyclegan-3d", ResNetTranslator(V, 1, 1, 2, 1), (1, 1, 8, 8, 8), 46)
store("diffusion", Diffusion(P, 1, 1, [8, 12], 2, 4, 2), (2, 3, 8, 4), 47, level=[3, 17])
store("diffusion-3d", Diffusion(V, 1, 0, [4, 8], 1, 2, 1), (1, 2, 4, 4, 2), 48, level=[5])
store("style-transfer", StyleTransfer(3, 4, 2), (2, 3, 16, 8), 53)
store("adain", AdaIN(3, [4, 6, 8], [1, 2]), (2, 6, 16, 24), 54)
store("patch", Patch(P, 3, 4, 2, True, False), (2, 3, 16, 20), 49)
store("patch-spectral", Patch(P, 2, 4, 2, False, True), (2, 2, 16, 16), 50)
store("vgg-esrgan", VGG(P, 3, 3, 5, 4, 100, 32), (2, 3, 32, 32), 51)
store("vgg-srgan", VGG(P, 1, 2, 4, 3, 32, 16, spectral=True), (2, 1, 16, 16), 52)
with open(HERE / "SHA256SUMS", "w") as sums:
    for path in sorted(HERE.rglob("*.safetensors")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        sums.write(f"{digest}  {path.relative_to(HERE)}\n")
