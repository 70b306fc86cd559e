"""Writes small networks in ncnn's two files, and what ncnn itself computes with them.

Run with Python 3, numpy, ncnn, pnnx, PyTorch 2 and safetensors: python generate.py
"layers" has every layer that a graph can be made of but pooling, "half" the same with weights in half
precision, "pooled" pooling and padding, "converted" is what pnnx makes of a PyTorch module. Each has a file
of "input" and "output".
"""

import hashlib
import os
import pathlib
import struct
import tempfile

import ncnn
import numpy as np
import pnnx
import torch
from safetensors.numpy import save_file
from torch import nn

HERE = pathlib.Path(__file__).parent


class Writer:
    """Lines and weights of a network."""

    def __init__(self, seed, half=False):
        self.rng, self.half = np.random.default_rng(seed), half
        self.lines, self.blobs, self.weights = [], set(), bytearray()

    def layer(self, kind, name, inputs, outputs, values="", weights=()):
        self.lines.append(
            f"{kind:16} {name:16} {len(inputs)} {len(outputs)} {' '.join(inputs + outputs)} {values}"
        )
        self.blobs |= set(outputs)
        for flagged, array in weights:
            array = np.asarray(array, np.float32).ravel()
            if not flagged:
                self.weights += array.tobytes()
            elif self.half:
                data = array.astype(np.float16).tobytes()
                self.weights += struct.pack("<I", 0x01306B47) + data + b"\0" * (-len(data) % 4)
            else:
                self.weights += struct.pack("<I", 0) + array.tobytes()

    def draw(self, *shape):
        array = self.rng.standard_normal(shape) * (2 / max(1, np.prod(shape[1:]))) ** 0.5
        # Both precisions hold the same numbers.
        return array.astype(np.float16).astype(np.float32)

    def conv(self, kind, name, x, y, i, o, k, values, kh=None):
        weight = self.draw(o, i, kh or k, k)
        rows = "" if kh is None else f"11={kh} "
        self.layer(
            kind,
            name,
            [x],
            [y],
            f"0={o} 1={k} {rows}5=1 6={weight.size} {values}",
            [(True, weight), (False, self.draw(o))],
        )

    def save(self, name):
        text = f"7767517\n{len(self.lines)} {len(self.blobs)}\n" + "\n".join(self.lines) + "\n"
        (HERE / f"{name}.param").write_text(text)
        (HERE / f"{name}.bin").write_bytes(self.weights)


def layers(half):
    w = Writer(3, half)
    w.layer("Input", "data", [], ["data"])
    w.layer("Split", "split", ["data"], ["a", "b"])
    w.layer("Reorg", "reorg", ["a"], ["c"], "0=2")
    w.conv("Convolution", "first", "c", "d", 8, 6, 3, "4=1 9=2 -23310=1,2.0e-01")
    w.conv("ConvolutionDepthWise", "deep", "d", "e", 3, 6, 3, "4=1 14=2 7=2 9=1", kh=5)
    w.layer("Split", "again", ["e"], ["e1", "e2", "e3"])
    w.layer("PReLU", "slope", ["e1"], ["f"], "0=6", [(False, w.draw(6))])
    w.layer("BatchNorm", "batch", ["f"], ["g"], "0=6 1=1e-3", [
        (False, w.draw(6)), (False, w.draw(6)), (False, np.abs(w.draw(6)) + 0.5), (False, w.draw(6)),
    ])
    w.layer("BinaryOp", "scaled", ["g"], ["h"], "0=2 1=1 2=2.0e-01")
    w.layer("BinaryOp", "sum", ["h", "e2"], ["i"], "0=0")
    w.layer("InstanceNorm", "instance", ["i"], ["j"], "0=6 1=1e-3 2=1", [
        (False, w.draw(6)), (False, w.draw(6)),
    ])
    w.layer("Concat", "joined", ["j", "e3"], ["k"], "0=0")
    w.conv("Convolution", "stepped", "k", "l", 12, 8, 1, "3=1 9=3 -23310=2,-5.0e-01,2.0e+00")
    w.layer("PixelShuffle", "shuffled", ["l"], ["m"], "0=2")
    w.conv("Deconvolution", "up", "m", "n", 2, 3, 4, "3=2 4=1 9=1")
    w.layer("Interp", "larger", ["b"], ["o"], "0=1 1=2.0 2=2.0")
    w.conv("Convolution", "one", "o", "p", 2, 3, 3, "2=2 4=2")
    w.layer("Split", "last", ["p"], ["p1", "p2"])
    w.layer("Eltwise", "mixed", ["n", "p1"], ["q"], "0=1 -23301=2,5.0e-01,-1.0")
    w.layer("Sigmoid", "gate", ["q"], ["r"])
    w.layer("TanH", "tanh", ["p2"], ["s"])
    w.layer("BinaryOp", "product", ["r", "s"], ["t"], "0=2")
    w.layer("Interp", "smooth", ["t"], ["out"], "0=2 1=1.5 2=1.5")
    return w


def pooled():
    w = Writer(5)
    w.layer("Input", "data", [], ["data"])
    w.layer("Padding", "border", ["data"], ["a"], "0=1 1=2 2=3 3=0 4=2")
    w.conv("Convolution", "first", "a", "b", 1, 4, 3, "4=0 15=1 16=2")
    w.layer("ReLU", "leaky", ["b"], ["c"], "0=1.0e-01")
    w.layer("Split", "split", ["c"], ["c1", "c2"])
    w.layer("Pooling", "mean", ["c1"], ["d"], "0=1 1=2 2=2 5=1")
    w.layer("Pooling", "largest", ["c2"], ["e"], "0=0 1=3 2=2 3=1 5=1")
    w.layer("Concat", "joined", ["d", "e"], ["f"], "0=0")
    w.layer("Clip", "limited", ["f"], ["g"], "0=-1.0 1=1.5")
    w.layer("Softmax", "shares", ["g"], ["out"], "0=0 1=1")
    return w


class Net(nn.Module):
    """A dense block and doubled pixels, as in ESRGAN."""

    def __init__(self):
        super().__init__()
        self.first, self.a = nn.Conv2d(3, 6, 3, 1, 1), nn.Conv2d(6, 4, 3, 1, 1)
        self.b, self.last = nn.Conv2d(10, 6, 3, 1, 1), nn.Conv2d(6, 3, 3, 1, 1)
        self.slope = nn.PReLU(6)

    def forward(self, x):
        y = self.slope(self.first(x))
        z = nn.functional.leaky_relu(self.a(y), 0.2)
        y = y + 0.2 * self.b(torch.cat((y, z), 1))
        y = nn.functional.interpolate(y, scale_factor=2, mode="nearest")
        return self.last(y)


def converted():
    torch.manual_seed(7)
    net, here = Net().eval(), os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        pnnx.export(net, "net.pt", (torch.rand(1, 3, 8, 6),), fp16=True)
        for kind in ("param", "bin"):
            data = pathlib.Path(f"net.ncnn.{kind}").read_bytes()
            (HERE / f"converted.{kind}").write_bytes(data)
        os.chdir(here)


def compute(name, shape, first, last, seed=1):
    net = ncnn.Net()
    for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(net.opt, option, False)
    net.opt.use_winograd_convolution = False
    net.opt.num_threads = 1
    assert net.load_param(str(HERE / f"{name}.param")) == 0
    assert net.load_model(str(HERE / f"{name}.bin")) == 0
    x = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    with net.create_extractor() as extractor:
        extractor.input(first, ncnn.Mat(x).clone())
        code, y = extractor.extract(last)
        assert code == 0
        y = np.array(y)
    save_file({"input": x[None], "output": y[None].copy()}, HERE / f"{name}.safetensors")
    print(name, x.shape, y.shape)


layers(False).save("layers")
layers(True).save("half")
pooled().save("pooled")
converted()
compute("layers", (2, 8, 6), "data", "out")
compute("half", (2, 8, 6), "data", "out")
compute("pooled", (1, 7, 6), "data", "out")
compute("converted", (3, 8, 6), "in0", "out0")
with open(HERE / "SHA256SUMS", "w") as sums:
    for path in sorted(HERE.iterdir()):
        if path.suffix in (".param", ".bin", ".safetensors"):
            sums.write(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
