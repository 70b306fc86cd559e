"""Writes the NIfTI fixtures of this folder with nibabel, and what nibabel reads back from them.

Run with Python 3, numpy and nibabel: python generate.py
Every file is made of the seeded numbers below and holds nothing from elsewhere. `expected.json`
lists, for each file, the shape, the RAS affine and the values as nibabel reads them.
"""

import json
import pathlib

import nibabel as nib
import numpy as np

HERE = pathlib.Path(__file__).parent
SHAPE = (5, 4, 3)
EXPECTED = {}

OBLIQUE = np.array(
    [
        [-0.9 * np.cos(0.3), 1.1 * np.sin(0.3), 0.0, 12.5],
        [0.9 * np.sin(0.3), 1.1 * np.cos(0.3), 0.0, -7.25],
        [0.0, 0.0, 2.5, 40.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)


def values(dtype, shape=SHAPE):
    rng = np.random.default_rng(20240)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(size=shape).astype(dtype)
    info = np.iinfo(dtype)
    data = rng.integers(info.min, info.max, size=shape, dtype=dtype, endpoint=True)
    data.flat[0], data.flat[1] = info.min, info.max
    return data


def save(name, data, affine=OBLIQUE, cls=nib.Nifti1Image, endian="<", edit=None, slope=None, codes=None):
    header = cls.header_class(endianness=endian)
    header.set_data_dtype(data.dtype)
    header.set_xyzt_units("mm")
    image = cls(data, affine, header)
    if affine is not None:
        image.set_sform(affine, 1)
        image.set_qform(affine, 1)
    if slope is not None:
        image.header.set_slope_inter(*slope)
    if edit is not None:
        edit(image)
    path = HERE / name
    nib.save(image, path)
    if slope is not None:
        # nibabel rescales on writing so that values survive; here the stored numbers are wanted.
        raw = bytearray(path.read_bytes())
        assert raw[344:347] == b"n+1"
        raw[112:120] = np.array(slope, dtype=endian + "f4").tobytes()
        raw[352:] = data.astype(data.dtype.newbyteorder(endian)).tobytes(order="F")
        path.write_bytes(bytes(raw))
    if codes is not None:
        # nibabel sets a form that matches the affine on writing; qform_code and sform_code.
        raw = bytearray(path.read_bytes())
        raw[252:256] = np.array(codes, dtype=endian + "i2").tobytes()
        path.write_bytes(bytes(raw))
    again = nib.load(path)
    stored = np.asanyarray(again.dataobj)
    EXPECTED[name] = {
        "shape": list(again.shape),
        "affine": again.affine.tolist(),
        "scalar": str(again.get_data_dtype().newbyteorder("=")),
        "values": [str(v) for v in stored.flatten(order="F")],
    }


TYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
for kind in TYPES:
    for endian, word in (("<", "little"), (">", "big")):
        save(f"{kind}-{word}.nii", values(kind), endian=endian)
save("nifti2-little.nii", values("int16"), cls=nib.Nifti2Image)
save("nifti2-big.nii", values("float32"), cls=nib.Nifti2Image, endian=">")
save("packed.nii.gz", values("int16"))
save("pair.hdr", values("int16"), cls=nib.Nifti1Pair)
save("pair-packed.hdr.gz", values("uint8"), cls=nib.Nifti1Pair)
save("scaled-int16.nii", values("int16"), slope=(0.5, -100.0))
save("scaled-int32-big.nii", values("int32"), slope=(2.0, 3.0), endian=">")
save("scaled-float32.nii", values("float32"), slope=(-1.5, 0.25))


def only_qform(image):
    image.set_sform(None, 0)


def only_sform(image):
    image.set_qform(None, 0)


def disagree(image):
    moved = OBLIQUE.copy()
    moved[2, 3] += 3
    image.set_qform(moved, 1)


def micron(image):
    image.set_sform(None, 0)
    image.header.set_xyzt_units("micron")


def metre(image):
    image.header.set_xyzt_units("meter")


def tenths(image):
    image.header.set_xyzt_units("unknown")


rng = np.random.default_rng(7)
turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
double_oblique = np.eye(4)
double_oblique[:3, :3] = turn @ np.diag([0.8, 0.8, 4.0])
double_oblique[:3, 3] = (-90, 126, -72)
left_handed = double_oblique.copy()
left_handed[:, 0] *= -1
sheared = OBLIQUE.copy()
sheared[1, 2] += 2.5 * np.tan(np.radians(10))  # a gantry tilt of about 10 degrees

save("qform-only.nii", values("int16"), edit=only_qform)
save("qform-only-left-handed.nii", values("int16"), affine=left_handed, edit=only_qform)
save("sform-only.nii", values("int16"), edit=only_sform)
save("neither.nii", values("int16"), affine=np.diag([0.5, 0.75, 2, 1]), codes=(0, 0))
save("disagree.nii", values("int16"), edit=disagree)
save("double-oblique.nii", values("int16"), affine=double_oblique)
save("sheared.nii", values("int16"), affine=sheared, edit=only_sform)
save("micron.nii", values("int16"), affine=np.diag([500.0, 500, 2000, 1]), edit=micron)
save("metre.nii", values("int16"), affine=np.diag([0.001, 0.001, 0.003, 1]), edit=metre)
save("no-units.nii", values("int16"), edit=tenths)
save("planar.nii", values("uint8", (6, 5)), affine=np.diag([-0.25, -0.25, 1, 1]))
save("four-d.nii.gz", values("int16", (4, 3, 2, 3)))
save("labels-float.nii", np.arange(60, dtype="float32").reshape(SHAPE) % 4)
broken = values("float32")
broken.flat[3], broken.flat[7], broken.flat[11] = np.nan, np.inf, -np.inf
save("non-finite.nii", broken)
save("complex.nii", values("float32").astype("complex64"))
rgb = np.zeros(SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
save("rgb.nii", rgb)

(HERE / "expected.json").write_text(json.dumps(EXPECTED, indent=0).replace("\n", "") + "\n")
