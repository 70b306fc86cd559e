"""Writes what PyTorch computes for small autoencoders and a U-Net of partial convolutions, as safetensors files.

Run with Python 3, PyTorch 2 and safetensors: python generate.py
Every number comes from the seeds below. All computations run in double precision on the processor and are
rounded to single precision at the end. A file holds "input", "output" (prediction), "loss" (of a pass in
training mode), "weights.NAME" under the engine's names, and "gradients.NAME" of the loss.
vae has "noise" (the draw), "mean", "logVariance" and "divergence" too; its loss is mean(output^2) + 0.1 divergence.
vq has "commitment", and "after.NAME", the book after the pass; its loss is mean(output^2) + 0.25 commitment.
The loss of the others is mean(output^2).
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


class Unit(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv = nn.Conv2d(i, o, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(o)

    def forward(self, x):
        return F.leaky_relu(self.norm(self.conv(x)), float(np.float32(0.01)))


class Encoder(nn.Module):
    def __init__(self, channels, widths, latent):
        super().__init__()
        sizes = [channels] + widths
        self.stages = nn.ModuleList(Unit(i, o, 2) for i, o in zip(sizes, widths))
        self.latent = nn.Conv2d(widths[-1], latent, 1)

    def forward(self, x):
        for stage in self.stages:
            x = stage(x)
        return self.latent(x)


class Decoder(nn.Module):
    def __init__(self, channels, widths, latent):
        super().__init__()
        back = widths[::-1]
        self.first = nn.Conv2d(latent, back[0], 1)
        self.stages = nn.ModuleList(Unit(i, o, 1) for i, o in zip(back, back[1:] + back[-1:]))
        self.last = nn.Conv2d(back[-1], channels, 3, 1, 1)

    def forward(self, z):
        y = F.leaky_relu(self.first(z), float(np.float32(0.01)))
        for stage in self.stages:
            y = stage(F.interpolate(y, scale_factor=2, mode="nearest"))
        return self.last(y)


class Plain(nn.Module):
    def __init__(self, channels, widths, latent):
        super().__init__()
        self.encoder = Encoder(channels, widths, latent)
        self.decoder = Decoder(channels, widths, latent)

    def forward(self, x):
        return self.decoder(self.encoder(x))

    def loss(self, x, extra):
        return self(x).square().mean()


class Variational(nn.Module):
    def __init__(self, channels, widths, latent):
        super().__init__()
        self.encoder = Encoder(channels, widths, 2 * latent)
        self.decoder = Decoder(channels, widths, latent)

    def parts(self, x):
        return self.encoder(x).chunk(2, 1)

    def forward(self, x):
        return self.decoder(self.parts(x)[0])

    def loss(self, x, extra):
        mean, log_variance = self.parts(x)
        draw = torch.distributions.Normal(mean, (log_variance / 2).exp())
        noise = torch.randn(mean.shape)
        kl = torch.distributions.kl_divergence(draw, torch.distributions.Normal(0.0, 1.0))
        divergence = kl.sum((1, 2, 3)).mean()
        extra.update(noise=noise, mean=mean, logVariance=log_variance, divergence=divergence)
        return self.decoder(mean + draw.stddev * noise).square().mean() + 0.1 * divergence


class Book(nn.Module):
    def __init__(self, codes, width):
        super().__init__()
        self.register_buffer("codes", torch.randn(codes, width))
        self.register_buffer("counts", torch.rand(codes) * 4 + 2)
        self.register_buffer("sums", self.codes * self.counts[:, None])


class Quantized(nn.Module):
    def __init__(self, channels, widths, latent, codes, decay):
        super().__init__()
        self.encoder = Encoder(channels, widths, latent)
        self.decoder = Decoder(channels, widths, latent)
        self.book = Book(codes, latent)
        self.decay = float(np.float32(decay))

    def nearest(self, z):
        vectors = z.permute(0, 2, 3, 1).reshape(-1, z.shape[1])
        return vectors, torch.cdist(vectors, self.book.codes).argmin(1)

    def look_up(self, z, places):
        n, c, h, w = z.shape
        return self.book.codes[places].reshape(n, h, w, c).permute(0, 3, 1, 2)

    def forward(self, x):
        z = self.encoder(x)
        return self.decoder(self.look_up(z, self.nearest(z)[1]))

    def loss(self, x, extra):
        z = self.encoder(x)
        vectors, places = self.nearest(z)
        found = self.look_up(z, places)
        commitment = F.mse_loss(z, found.detach())
        result = self.decoder(z + (found - z).detach()).square().mean() + 0.25 * commitment
        chosen = F.one_hot(places, len(self.book.codes)).to(z.dtype)
        g = self.decay
        counts = g * self.book.counts + (1 - g) * chosen.sum(0)
        sums = g * self.book.sums + (1 - g) * chosen.T @ vectors.detach()
        eps = float(np.float32(1e-5))
        total = counts.sum()
        smooth = (counts + eps) / (total + len(counts) * eps) * total
        extra["commitment"] = commitment
        extra["after.codes"] = sums / smooth[:, None]
        extra["after.counts"] = counts
        extra["after.sums"] = sums
        return result


class Linear(nn.Module):
    def __init__(self, channels, patch, components):
        super().__init__()
        self.encoder = nn.Conv2d(channels, components + 1, patch, patch)
        self.decoder = nn.ConvTranspose2d(components + 1, channels, patch, patch, bias=False)

    def forward(self, x):
        return self.decoder(self.encoder(x))

    def loss(self, x, extra):
        return self(x).square().mean()


class PartialConv(nn.Conv2d):
    """Equations 1 and 2 of Liu et al. with a mask of as many channels as the values have."""

    def forward(self, x, mask):
        ones = torch.ones_like(self.weight[:1])
        count = F.conv2d(mask, ones, stride=self.stride, padding=1)
        known = (count > 0).to(x.dtype)
        y = F.conv2d(x * mask, self.weight, stride=self.stride, padding=1)
        y = torch.where(count > 0, y * (ones.numel() / count.clamp(min=1)), 0)
        return (y + self.bias[None, :, None, None]) * known, known


class Step(nn.Module):
    def __init__(self, i, o, stride, norm):
        super().__init__()
        self.conv = PartialConv(i, o, 3, stride)
        if norm:
            self.norm = nn.BatchNorm2d(o)


class Filler(nn.Module):
    def __init__(self, channels, widths):
        super().__init__()
        self.channels = channels
        sizes = [channels] + widths
        count = len(widths)
        self.down = nn.ModuleList(Step(sizes[k], sizes[k + 1], 2, k > 0) for k in range(count))
        self.up = nn.ModuleList(
            Step(sizes[k + 1] + sizes[k], sizes[k], 1, k > 0) for k in reversed(range(count))
        )

    def forward(self, x):
        y, mask = x[:, : self.channels], (x[:, self.channels :] > 0.5).to(x.dtype)
        skips = []
        for k, step in enumerate(self.down):
            skips.append((y, mask))
            y, mask = step.conv(y, mask.expand(-1, y.shape[1], -1, -1))
            y = F.relu(step.norm(y) if k > 0 else y)
        for k, step in enumerate(self.up):
            old, old_mask = skips.pop()
            y = F.interpolate(y, scale_factor=2, mode="nearest")
            mask = F.interpolate(mask, scale_factor=2, mode="nearest").expand_as(y)
            both = torch.cat((mask, old_mask.expand_as(old)), 1)
            y, mask = step.conv(torch.cat((y, old), 1), both)
            if k < len(self.up) - 1:
                y = F.leaky_relu(step.norm(y), float(np.float32(0.2)))
        return y

    def loss(self, x, extra):
        return self(x).square().mean()


def store(name, model, shape, seed, mask=None):
    torch.manual_seed(seed)
    for parameter in model.parameters():
        if parameter.ndim == 1:
            nn.init.uniform_(parameter, 0.5, 1.5)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    # Both programs start from values that single precision holds.
    for value in list(model.parameters()) + list(model.buffers()):
        if value.is_floating_point():
            value.data.copy_(value.data.float().double())
    x = torch.randn(shape).float().double()
    if mask is not None:
        x[:, -1] = mask
    weights = {k: v.clone() for k, v in model.state_dict().items() if "num_batches" not in k}
    result = {"input": x, "output": model.eval()(x)}
    extra = {}
    loss = model.train().loss(x, extra)
    loss.backward()
    result["loss"] = loss.reshape(1)
    for key, value in extra.items():
        result[key] = value.reshape(1) if value.ndim == 0 else value
    for key, value in weights.items():
        result["weights." + key] = value
    for key, parameter in model.named_parameters():
        result["gradients." + key] = parameter.grad
    arrays = {
        k: np.ascontiguousarray(v.detach().numpy().astype(np.float32)) for k, v in result.items()
    }
    save_file(arrays, HERE / f"{name}.safetensors")


torch.manual_seed(1)
store("autoencoder", Plain(2, [4, 6], 3), (2, 2, 8, 12), 2)
store("vae", Variational(1, [4, 5], 3), (2, 1, 12, 8), 3)
store("vq", Quantized(1, [4, 6], 3, 7, 0.9), (2, 1, 16, 12), 4)
store("linear", Linear(2, (3, 4), 5), (2, 2, 6, 8), 5)
torch.manual_seed(6)
holes = torch.ones(2, 16, 8)
holes[0, 2:9, 1:7] = 0
holes[1] = (torch.rand(16, 8) > 0.5).double()
store("partial", Filler(2, [4, 6, 8]), (2, 3, 16, 8), 7, mask=holes)
with open(HERE / "SHA256SUMS", "w") as sums:
    for path in sorted(HERE.glob("*.safetensors")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        sums.write(f"{digest}  {path.name}\n")
