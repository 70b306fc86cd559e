"""Writes the TIFF, JPEG and PNG fixtures of this folder and what Pillow and tifffile read from them.

Run with Python 3, numpy, tifffile, imagecodecs (for LZW) and Pillow: python generate.py
Every file is made of the formulas and seeded numbers below and holds nothing from elsewhere.
"""

import json
import pathlib

import numpy as np
import tifffile
from PIL import Image

HERE = pathlib.Path(__file__).parent
EXPECTED = {}
rng = np.random.default_rng(77)


def note(name, array):
    EXPECTED[name] = {"shape": list(array.shape), "scalar": str(array.dtype),
                      "values": [str(v) for v in array.flatten()]}


def random(dtype, shape=(7, 9)):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(size=shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, size=shape, dtype=dtype, endpoint=True)


def tiff(name, array, **options):
    tifffile.imwrite(HERE / name, array, metadata=None, **options)
    note(name, tifffile.imread(HERE / name))


for kind in ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]:
    tiff(f"{kind}.tif", random(kind), photometric="minisblack")
tiff("big-endian.tif", random("uint16"), byteorder=">", photometric="minisblack")
tiff("bigtiff.tif", random("uint16"), bigtiff=True, photometric="minisblack")
tiff("pages.tif", random("uint16", (4, 7, 9)), photometric="minisblack")
tiff("tiled.tif", random("uint16", (37, 41)), tile=(16, 16), photometric="minisblack")
tiff("tiled-deflate.tif", random("float32", (20, 33)), tile=(16, 16), compression="zlib", photometric="minisblack")
tiff("strips-deflate.tif", random("uint8", (33, 20)), rowsperstrip=5, compression="zlib", predictor=True,
     photometric="minisblack")
tiff("spacing.tif", random("uint8"), resolution=(100, 50), resolutionunit="CENTIMETER", photometric="minisblack")
tiff("colour.tif", random("uint8", (7, 9, 3)), photometric="rgb")
Image.fromarray(random("uint8", (16, 16))).save(HERE / "lzw.tif", compression="tiff_lzw")
note("lzw.tif", np.asarray(Image.open(HERE / "lzw.tif")))
mask = random("uint8") > 127
Image.fromarray(mask).convert("1").save(HERE / "mask.tif")
note("mask.tif", np.where(np.asarray(Image.open(HERE / "mask.tif")), 255, 0).astype("uint8"))
white = random("uint8")
tiff("white-is-zero.tif", white, photometric="miniswhite")
note("white-is-zero.tif", 255 - white)

y, x = np.mgrid[0:24, 0:32]
smooth = (4 * x + 3 * y).astype("uint8")
Image.fromarray(smooth).save(HERE / "grey.jpg", quality=95)
note("grey.jpg", np.asarray(Image.open(HERE / "grey.jpg")))
colour = np.stack([4 * x, 5 * y, 255 - 4 * x], axis=-1).astype("uint8")
Image.fromarray(colour).save(HERE / "colour.jpg", quality=95, subsampling=0)
note("colour.jpg", np.asarray(Image.open(HERE / "colour.jpg")))
Image.fromarray(colour).save(HERE / "progressive.jpg", quality=90, progressive=True, subsampling=0)
note("progressive.jpg", np.asarray(Image.open(HERE / "progressive.jpg")))
Image.fromarray(smooth).convert("CMYK").save(HERE / "cmyk.jpg")
Image.fromarray(colour).save(HERE / "colour.png")
note("colour.png", colour)

(HERE / "expected.json").write_text(json.dumps(EXPECTED, indent=0).replace("\n", "") + "\n")
