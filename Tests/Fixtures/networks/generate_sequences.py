"""Writes what PyTorch computes for two networks that run through sequences, as `generate.py` does.

Run with Python 3, PyTorch 2 and safetensors: python generate_sequences.py
Files hold what those of `generate.py` do. "convlstm-unet" has two heads. "caption" also holds the second
step of a sentence: "tokens" (the word before it), "second.scores", "second.attention" and
"second.hidden", of a network in evaluation.
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
    """Convolution within slices, instance normalisation over the whole volume, leaky ReLU."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, (1, 3, 3), (1, stride, stride), (0, 1, 1))
        self.norm = nn.InstanceNorm3d(outputs, eps=1e-5, affine=True)

    def forward(self, x):
        return F.leaky_relu(self.norm(self.conv(x)), float(np.float32(0.01)))


class Units(nn.Module):
    def __init__(self, count, inputs, outputs, stride=1):
        super().__init__()
        self.convs = nn.ModuleList(
            Unit(outputs if i else inputs, outputs, 1 if i else stride) for i in range(count)
        )

    def forward(self, x):
        for unit in self.convs:
            x = unit(x)
        return x


class Memory(nn.Module):
    """A convolutional LSTM over the third axis."""

    def __init__(self, inputs, width):
        super().__init__()
        self.width = width
        self.input = nn.Conv2d(inputs, 4 * width, 3, padding=1)
        self.hidden = nn.Conv2d(width, 4 * width, 3, padding=1, bias=False)

    def forward(self, x, steps):
        h = c = torch.zeros(x.shape[0], self.width, *x.shape[3:])
        found = {}
        for step in steps:
            i, f, g, o = (self.input(x[:, :, step]) + self.hidden(h)).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            found[step] = h
        return torch.stack([found[step] for step in sorted(found)], 2)


class SliceUNet(nn.Module):
    def __init__(self, inputs, outputs, widths):
        super().__init__()
        self.encoder = nn.Module()
        self.encoder.stages = nn.ModuleList(
            nn.ModuleList([Units(1, a, b, 2 if i else 1)])
            for i, (a, b) in enumerate(zip([inputs, *widths], widths))
        )
        self.ahead, self.back = (Memory(widths[-1], widths[-1] // 2) for _ in range(2))
        upwards = list(reversed(range(len(widths) - 1)))
        self.decoder = nn.Module()
        self.decoder.stages = nn.ModuleList(Units(1, 2 * widths[i], widths[i]) for i in upwards)
        self.decoder.transpconvs = nn.ModuleList(
            nn.ConvTranspose3d(widths[i + 1], widths[i], (1, 2, 2), (1, 2, 2)) for i in upwards
        )
        self.decoder.seg_layers = nn.ModuleList(nn.Conv3d(widths[i], outputs, 1) for i in upwards)

    def forward(self, x):
        maps = []
        for stage in self.encoder.stages:
            x = stage[0](x)
            maps.append(x)
        steps = list(range(x.shape[2]))
        y = maps.pop()
        y = y + torch.cat((self.ahead(y, steps), self.back(y, steps[::-1])), 1)
        heads = []
        for up, stage, head in zip(
            self.decoder.transpconvs, self.decoder.stages, self.decoder.seg_layers
        ):
            y = stage(torch.cat((up(y), maps.pop()), 1))
            heads.append(head(y))
        return heads[::-1]


class Captioner(nn.Module):
    """Soft attention over a grid of places, an LSTM cell, and a deep output."""

    def __init__(self, channels, vocabulary, widths, grid, word, width, attention):
        super().__init__()
        self.grid = grid
        self.stages = nn.ModuleList()
        for a, b in zip([channels, *widths], widths):
            for inputs, stride in ((a, 2), (b, 1)):
                layer = nn.Conv2d(inputs, b, 3, stride, 1, bias=False)
                self.stages.append(nn.ModuleList([layer, nn.BatchNorm2d(b)]))
        places = widths[-1]
        self.first_hidden = nn.Linear(places, width)
        self.first_cell = nn.Linear(places, width)
        self.words = nn.Embedding(vocabulary, word)
        self.place_map = nn.Linear(places, attention)
        self.state_map = nn.Linear(width, attention, bias=False)
        self.energy = nn.Linear(attention, 1, bias=False)
        self.gate = nn.Linear(width, places)
        self.rnn = nn.LSTM(word + places, width)
        self.hidden_output = nn.Linear(width, word)
        self.context_output = nn.Linear(places, word, bias=False)
        self.output = nn.Linear(word, vocabulary)

    def begin(self, x):
        for convolution, normalisation in self.stages:
            x = F.relu(normalisation(convolution(x)))
        places = F.adaptive_avg_pool2d(x, self.grid).flatten(2).transpose(1, 2)
        mean = places.mean(1)
        return places, self.first_hidden(mean).tanh(), self.first_cell(mean).tanh()

    def step(self, tokens, places, h, c):
        word = self.words(tokens)
        compared = (self.place_map(places) + self.state_map(h)[:, None]).tanh()
        attention = self.energy(compared)[..., 0].softmax(1)
        seen = self.gate(h).sigmoid() * (attention[:, :, None] * places).sum(1)
        _, (h, c) = self.rnn(torch.cat((word, seen), 1)[None], (h[None], c[None]))
        h, c = h[0], c[0]
        scores = self.output(word + self.hidden_output(h) + self.context_output(seen))
        return scores, attention, h, c

    def forward(self, x):
        places, h, c = self.begin(x)
        return self.step(torch.zeros(len(x), dtype=torch.int64), places, h, c)[0]


def single(values):
    return np.asarray(values, np.float32).astype(np.float64)


def store(name, network, shape, seed, more=lambda network, x: {}, names=lambda key: key):
    rng = np.random.default_rng(seed)
    draw = lambda t, scale, offset=0.0: t.copy_(
        torch.tensor(single(rng.standard_normal(tuple(t.shape)) * scale + offset))
    )
    with torch.no_grad():
        for module in network.modules():
            normalises = isinstance(module, (nn.BatchNorm2d, nn.InstanceNorm3d))
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
    content = {"weights." + names(k): v.clone() for k, v in network.state_dict().items()}
    content["input"] = x
    network.eval()
    for index, y in enumerate(heads(network(x))):
        content[f"output.{index}" if index else "output"] = y
    content |= more(network, x)
    network.train()
    loss = sum(y.square().mean() for y in heads(network(x)))
    loss.backward()
    content["loss"] = loss
    for key, parameter in network.named_parameters():
        content["gradients." + names(key)] = parameter.grad
    arrays = {}
    for key, value in content.items():
        array = value.detach().numpy()
        arrays[key] = array if array.dtype == np.int64 else array.astype(np.float32)
        arrays[key] = np.ascontiguousarray(arrays[key]).reshape(array.shape)
    save_file(arrays, HERE / f"{name}.safetensors")


def second(network, x):
    """The step after the first word."""
    places, h, c = network.begin(x)
    _, _, h, c = network.step(torch.zeros(len(x), dtype=torch.int64), places, h, c)
    tokens = torch.tensor([3, 5, 1])
    scores, attention, h, _ = network.step(tokens, places, h, c)
    return {
        "tokens": tokens.double(),
        "second.scores": scores,
        "second.attention": attention,
        "second.hidden": h,
    }


store(
    "convlstm-unet",
    SliceUNet(2, 3, [3, 4, 6]),
    (1, 2, 5, 8, 12),
    8,
    # nn.Module has a "forward" of its own.
    names=lambda key: key.replace("ahead.", "forward.").replace("back.", "backward."),
)
store("caption", Captioner(2, 7, [4, 6], (2, 3), 5, 8, 4), (3, 2, 12, 20), 9, more=second)
lines = (HERE / "SHA256SUMS").read_text().splitlines()
kept = [line for line in lines if line.split()[1] not in ("convlstm-unet.safetensors", "caption.safetensors")]
for path in (HERE / "convlstm-unet.safetensors", HERE / "caption.safetensors"):
    kept.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}")
(HERE / "SHA256SUMS").write_text("\n".join(sorted(kept, key=lambda line: line.split()[1])) + "\n")
