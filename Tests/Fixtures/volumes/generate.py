"""Writes the NRRD, MetaImage and MGH fixtures of this folder and what other programs read from them.

Run with Python 3, numpy, SimpleITK and nibabel: python generate.py
Every file is made of the seeded numbers below and holds nothing from elsewhere. `expected.json` lists
for each file the size, the LPS affine (rows) and the values (x fastest) as SimpleITK (NRRD, MetaImage)
or nibabel (MGH) reads them; "from" says which.
"""

import gzip
import json
import pathlib

import nibabel as nib
import numpy as np
import SimpleITK as sitk

HERE = pathlib.Path(__file__).parent
SHAPE = (3, 4, 5)  # z, y, x
EXPECTED = {}


def values(dtype, shape=SHAPE, seed=20241):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(size=shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, size=shape, dtype=dtype, endpoint=True)


c, s = np.cos(0.3), np.sin(0.3)
TURN = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
SPACING = np.array([0.9, 1.1, 2.5])
ORIGIN = np.array([-12.5, 7.25, 40.0])


def note_sitk(name):
    image = sitk.ReadImage(str(HERE / name))
    array = sitk.GetArrayFromImage(image)
    n = min(3, image.GetDimension())
    direction = np.array(image.GetDirection()).reshape(image.GetDimension(), -1)[:n, :n]
    affine = np.eye(4)
    affine[:n, :n] = direction * np.array(image.GetSpacing()[:n])
    affine[:n, 3] = image.GetOrigin()[:n]
    EXPECTED[name] = {
        "from": "SimpleITK",
        "size": list(array.shape[::-1]),
        "affine": affine.tolist(),
        "scalar": str(array.dtype),
        "values": [str(v) for v in array.flatten()],
    }


def image(dtype):
    made = sitk.GetImageFromArray(values(dtype))
    made.SetSpacing(SPACING.tolist())
    made.SetOrigin(ORIGIN.tolist())
    made.SetDirection(TURN.flatten().tolist())
    return made


TYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
for kind in TYPES:
    sitk.WriteImage(image(kind), str(HERE / f"{kind}.nrrd"), kind in ("int16", "float64"))
    sitk.WriteImage(image(kind), str(HERE / f"{kind}.mha"), kind in ("int16", "float64"))
    note_sitk(f"{kind}.nrrd")
    note_sitk(f"{kind}.mha")
sitk.WriteImage(image("int16"), str(HERE / "pair.nhdr"), False)
note_sitk("pair.nhdr")
sitk.WriteImage(image("uint8"), str(HERE / "pair-packed.mhd"), True)
note_sitk("pair-packed.mhd")

# ---- NRRD headers by hand
NAMES = {"int16": "short", "float32": "float", "uint8": "unsigned char"}


def nrrd(name, array, fields, encoding="raw", endian="little", note=True, blank=b"\n"):
    lines = ["NRRD0005", "# made by generate.py", f"type: {NAMES[str(array.dtype)]}", f"dimension: {array.ndim}"]
    lines.append("sizes: " + " ".join(str(n) for n in array.shape[::-1]))
    lines.append(f"encoding: {encoding}")
    if array.itemsize > 1 and encoding != "ascii":
        lines.append(f"endian: {endian}")
    lines += fields
    raw = array.astype(array.dtype.newbyteorder("<" if endian == "little" else ">")).tobytes()
    if encoding == "gzip":
        raw = gzip.compress(raw, mtime=0)
    elif encoding == "ascii":
        raw = (" ".join(str(v) for v in array.flatten()) + "\n").encode()
    (HERE / name).write_bytes(("\n".join(lines) + "\n").encode() + blank + raw)
    if note:
        note_sitk(name)


def vectors(matrix):
    return " ".join("(" + ",".join(repr(float(v)) for v in column) + ")" for column in matrix.T)


def directions(sign=(1, 1, 1)):
    return "space directions: " + vectors(np.diag(sign) @ TURN @ np.diag(SPACING))


def origin(sign=(1, 1, 1)):
    return "space origin: (" + ",".join(repr(float(v)) for v in np.array(sign) * ORIGIN) + ")"


a16 = values("int16")
nrrd("big.nrrd", a16, ["space: left-posterior-superior", directions(), origin()], endian="big")
nrrd("ras.nrrd", a16, ["space: RAS", directions((-1, -1, 1)), origin((-1, -1, 1))])
nrrd("las.nrrd", a16, ["space: left-anterior-superior", directions((1, -1, 1)), origin((1, -1, 1))])
nrrd("ascii.nrrd", a16, ["space: left-posterior-superior", directions(), origin()], encoding="ascii")
nrrd("packed-big.nrrd", values("float32"), ["space: left-posterior-superior", directions(), origin()],
     encoding="gzip", endian="big")
nrrd("cell.nrrd", a16, ["space: left-posterior-superior", directions(), origin(), "centerings: cell cell cell"])
nrrd("spacings.nrrd", a16, ["spacings: 0.5 0.75 2", "centers: cell cell cell"])
nrrd("limits.nrrd", a16, ["axis mins: 0 0 0", "axis maxs: 2.5 3 4", "centers: cell cell node"], note=False)
nrrd("planar.nrrd", values("uint8", (5, 6)), ["spacings: 0.25 0.5"])
four = values("int16", (2, 3, 4, 5))
LIST = ["space: left-posterior-superior", directions() + " none", origin(), "kinds: space space space list"]
nrrd("list-last.nrrd", four, LIST, note=False)
FIRST = ["space: left-posterior-superior", directions().replace(": ", ": none "), origin(),
         "kinds: list space space space"]
nrrd("list-first.nrrd", np.ascontiguousarray(np.moveaxis(four, 0, -1)), FIRST, note=False)
for name in ("list-last.nrrd", "list-first.nrrd"):
    EXPECTED[name] = {"from": "the numbers written", "size": [5, 4, 3, 2], "affine": EXPECTED["ras.nrrd"]["affine"],
                      "scalar": "int16", "values": [str(v) for v in four.flatten()]}
nrrd("vectors.nrrd", np.ascontiguousarray(np.moveaxis(values("float32", (3, 2, 2, 2)), 0, -1)),
     ["space: left-posterior-superior", "space directions: none (1,0,0) (0,1,0) (0,0,1)", "space origin: (0,0,0)",
      "kinds: vector space space space"], note=False)

# ---- MetaImage headers by hand


def meta(name, array, fields, big=False, data="LOCAL", note=True):
    lines = ["ObjectType = Image", f"NDims = {array.ndim}", "BinaryData = True",
             f"ElementByteOrderMSB = {big}"] + fields
    lines.append("DimSize = " + " ".join(str(n) for n in array.shape[::-1]))
    lines.append("ElementType = " + {"int16": "MET_SHORT", "uint8": "MET_UCHAR"}[str(array.dtype)])
    lines.append(f"ElementDataFile = {data}")
    raw = array.astype(array.dtype.newbyteorder(">" if big else "<")).tobytes()
    text = ("\n".join(lines) + "\n").encode()
    if data == "LOCAL":
        (HERE / name).write_bytes(text + raw)
    else:
        (HERE / name).write_bytes(text)
        (HERE / data).write_bytes(b"skipped bytes" + raw)
    if note:
        note_sitk(name)


PLACE = ["TransformMatrix = " + " ".join(repr(float(v)) for v in TURN.T.flatten()),
         "Offset = " + " ".join(repr(float(v)) for v in ORIGIN),
         "ElementSpacing = " + " ".join(repr(float(v)) for v in SPACING)]
meta("big.mha", a16, PLACE + ["CenterOfRotation = 0 0 0"], big=True)
meta("from-end.mhd", a16, PLACE + ["HeaderSize = -1"], data="from-end.raw")
meta("centre.mha", a16, PLACE + ["CenterOfRotation = 5 6 7"])
meta("unplaced.mha", a16, ["ElementSpacing = 0.5 0.75 2"])
meta("planar.mha", values("uint8", (5, 6)), ["ElementSpacing = 0.25 0.5", "Offset = 0 0"])
meta("channels.mha", values("uint8", (2, 3, 12)), PLACE + ["ElementNumberOfChannels = 3"], note=False)
raw = (HERE / "channels.mha").read_bytes().replace(b"DimSize = 12 3 2", b"DimSize = 4 3 2")
(HERE / "channels.mha").write_bytes(raw)

# ---- MGH
RAS = np.eye(4)
RAS[:3, :3] = np.diag([-1, -1, 1]) @ TURN @ np.diag(SPACING)
RAS[:3, 3] = np.diag([-1, -1, 1]) @ ORIGIN
for kind in ["uint8", "int16", "int32", "float32"]:
    for ending in ["mgh", "mgz"]:
        name = f"{kind}.{ending}"
        nib.save(nib.MGHImage(values(kind).transpose(2, 1, 0), RAS), HERE / name)
        again = nib.load(HERE / name)
        array = np.asarray(again.dataobj)
        EXPECTED[name] = {"from": "nibabel", "size": list(array.shape),
                          "affine": (np.diag([-1, -1, 1, 1]) @ again.affine).tolist(), "scalar": kind,
                          "values": [str(v) for v in array.flatten(order="F")]}
nib.save(nib.MGHImage(values("int16", (2, 3, 4, 5)).transpose(3, 2, 1, 0), RAS), HERE / "frames.mgz")
array = np.asarray(nib.load(HERE / "frames.mgz").dataobj)
EXPECTED["frames.mgz"] = {"from": "nibabel", "size": list(array.shape), "affine": EXPECTED["int16.mgz"]["affine"],
                          "scalar": "int16", "values": [str(v) for v in array.flatten(order="F")]}
raw = bytearray((HERE / "int16.mgh").read_bytes())
raw[28:30] = b"\0\0"
(HERE / "no-ras.mgh").write_bytes(bytes(raw))

(HERE / "expected.json").write_text(json.dumps(EXPECTED, indent=0).replace("\n", "") + "\n")
