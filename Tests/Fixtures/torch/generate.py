"""Writes small files of torch.save, sound and hostile, for TorchFile's tests.

Needs torch and numpy. Run in this folder: python generate.py
"""
import collections
import io
import json
import os
import pathlib
import pickle
import zipfile

import numpy
import torch

torch.manual_seed(7)
base = torch.randn(3, 4)
counts = torch.tensor(5)
state = collections.OrderedDict([
    ("plain.weight", base),
    ("plain.alias", base),
    ("turned", base.t()),
    ("part", base[1:, 1:3]),
    ("half", torch.randn(5).half()),
    ("bfloat16", torch.randn(5).bfloat16()),
    ("double", torch.randn(2, 2).double()),
    ("empty", torch.zeros(0, 3)),
    ("scalar", torch.tensor(2.5)),
    ("parameter", torch.nn.Parameter(torch.randn(2))),
    ("tracked", counts),
])
content = {
    "network_weights": state, "trainer_name": "aTrainer", "current_epoch": 12, "_best_ema": numpy.float64(0.75),
    "init_args": {"configuration": "3d_fullres", "folder": pathlib.PurePosixPath("a/b"), "device": torch.device("cpu")},
    "inference_allowed_mirroring_axes": (0, 2), "nothing": None, "set": {1}, "long": 2 ** 70,
}
torch.save(content, "zip.pt")
torch.save(content, "legacy.pt", _use_new_zipfile_serialization=False)
torch.save(state, "state.pt")

json.dump({
    name: {"shape": list(t.shape), "values": [float(v) for v in t.detach().double().flatten()]}
    for name, t in state.items() if name != "tracked"
}, open("expected.json", "w"))


class Call:
    """Pickles as a call of os.system, which a reader must never make."""

    def __reduce__(self):
        return os.system, ("touch lamina-was-here",)


def archive(name, pickled):
    with zipfile.ZipFile(name, "w", zipfile.ZIP_STORED) as z:
        z.writestr(zipfile.ZipInfo("x/data.pkl"), pickled)


archive("hostile.pt", pickle.dumps({"network_weights": Call()}, protocol=2))
archive("nested.pt", b"\x80\x02" + b")" + b"\x85" * 50_000 + b".")
archive("early.pt", pickle.dumps({"a": 1}, protocol=2)[:-3])
# A tensor that claims more numbers than its storage has.
buffer = io.BytesIO()
torch.save({"w": torch.zeros(4)}, buffer)
source = zipfile.ZipFile(io.BytesIO(buffer.getvalue()))
with zipfile.ZipFile("short.pt", "w", zipfile.ZIP_STORED) as z:
    for item in source.infolist():
        data = source.read(item)
        z.writestr(zipfile.ZipInfo(item.filename), data[:8] if item.filename.endswith("data/0") else data)
