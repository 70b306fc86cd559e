"""Writes small images in every transfer syntax and the pixels that they must decode to.

Needs numpy, pydicom, Pillow, imagecodecs (JPEG, JPEG 2000, HTJ2K) and pyjpegls (JPEG-LS).
"""

import io
import json
import pathlib
import struct
import zlib

import imagecodecs
import jpeg_ls
import numpy as np
from PIL import Image
from pydicom import config
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

config.settings.writing_validation_mode = config.IGNORE

ROOT = pathlib.Path(__file__).parent
ROWS, COLUMNS = 17, 22
random = np.random.default_rng(4711)
expected = {}

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
DEFLATED, DEFLATED_FRAMES, RLE = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.8.1", "1.2.840.10008.1.2.5"
JPEG = "1.2.840.10008.1.2.4."


def smooth(low, high, shift=0.0):
    """A smooth image with an edge and a little noise."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS] / 20
    image = np.sin(4 * x + shift) * np.cos(3 * y - shift) + (x + y > 1.1) + random.normal(0, 0.02, x.shape)
    image = (image - image.min()) / np.ptp(image)
    return np.rint(low + image * (high - low))


GREY8 = smooth(0, 255).astype("u1")
GREY12 = smooth(0, 4095).astype("u2")
SIGNED12 = smooth(-2048, 2047).astype("i2")
GREY16 = smooth(0, 65535).astype("u2")
SIGNED16 = smooth(-32768, 32767).astype("i2")
GREY32 = (smooth(0, 2**31).astype("u4") * 2 - 1) ^ random.integers(0, 4096, (ROWS, COLUMNS), "u4")
RGB8 = np.stack([smooth(0, 255, s) for s in (0, 1, 2)], -1).astype("u1")
RGB16 = np.stack([smooth(0, 65535, s) for s in (0, 1, 2)], -1).astype("u2")
BITS = (random.random((5, ROWS, COLUMNS)) < 0.4).astype("u1")
FRAMES = np.stack([smooth(0, 4095, s) for s in (0, 1, 2)]).astype("u2")


def ybr(rgb):
    """YBR_FULL by PS3.3 C.7.6.3.1.2."""
    matrix = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
    return np.clip(np.rint(rgb @ matrix.T + [0, 128, 128]), 0, 255).astype("u1")


def ybr_partial(rgb):
    """YBR_PARTIAL by PS3.3 C.7.6.3.1.2."""
    matrix = np.array([[0.2568, 0.5041, 0.0979], [-0.1482, -0.291, 0.4392], [0.4392, -0.3678, -0.0714]])
    return np.clip(np.rint(rgb @ matrix.T + [16, 128, 128]), 0, 255).astype("u1")


def dataset(pixels, photometric=None, stored=None, frames=None, planar=0, allocated=None):
    d = Dataset()
    colour = pixels.shape[-1] == 3
    d.SOPClassUID, d.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "2.25.1"
    d.Modality = "OT"
    d.SamplesPerPixel = 3 if colour else 1
    d.PhotometricInterpretation = photometric or ("RGB" if colour else "MONOCHROME2")
    if colour:
        d.PlanarConfiguration = planar
    if frames is not None:
        d.NumberOfFrames = frames
    d.Rows, d.Columns = ROWS, COLUMNS
    d.BitsAllocated = allocated or pixels.itemsize * 8
    d.BitsStored = stored or d.BitsAllocated
    d.HighBit = d.BitsStored - 1
    d.PixelRepresentation = int(pixels.dtype.kind == "i")
    return d


def write(name, d, syntax, pixels, tolerance=0):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = d.SOPClassUID, d.SOPInstanceUID
    # pydicom does not know the syntax of deflated frames yet; one of the same length takes its place.
    unknown = syntax == DEFLATED_FRAMES
    meta.TransferSyntaxUID = UID(JPEG + "91" if unknown else syntax)
    meta.FileMetaInformationVersion = b"\0\1"
    meta.ImplementationClassUID = "2.25.2"
    d.file_meta = meta
    path = ROOT / f"{name}.dcm"
    implicit, little = syntax == IMPLICIT, syntax != BIG
    d.save_as(path, implicit_vr=implicit, little_endian=little, enforce_file_format=True)
    if unknown:
        path.write_bytes(path.read_bytes().replace(f"{JPEG}91".encode(), f"{syntax}\0".encode()))
    if pixels is None:
        expected[name] = None
        return
    pixels = np.ascontiguousarray(pixels)
    raw = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    found = [k for k, v in raws.items() if v == raw]
    key = found[0] if found else name
    if not found:
        raws[key] = raw
        (ROOT / f"{key}.raw").write_bytes(raw)
    expected[name] = {"pixels": f"{key}.raw", "bytesPerSample": pixels.itemsize, "tolerance": tolerance,
                      "samples": d.SamplesPerPixel, "frames": pixels.size // (d.Rows * d.Columns * d.SamplesPerPixel)}


raws = {}


def native(name, d, data, syntax, pixels, vr="OW", tolerance=0):
    d.add_new(0x7FE00010, vr, data + b"\0" * (len(data) % 2))
    write(name, d, syntax, pixels, tolerance)


def sequence(fragments, table=()):
    """Items with a basic offset table; fragments are padded. pydicom writes the delimiter."""
    items = [b"".join(struct.pack("<I", o) for o in table)] + [f + b"\0" * (len(f) % 2) for f in fragments]
    return b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<I", len(i)) + i for i in items)


def encapsulated(name, d, fragments, syntax, pixels, table=(), tolerance=0):
    d.PixelData = sequence(fragments, table)
    d["PixelData"].VR = "OB"
    d["PixelData"].is_undefined_length = True
    write(name, d, syntax, pixels, tolerance)


def single(name, pixels, stream, syntax, photometric=None, stored=None, truth=None, tolerance=0, allocated=None):
    d = dataset(pixels, photometric, stored, allocated=allocated)
    truth = pixels if truth is None else truth
    # High-Throughput JPEG 2000 has no decoder that survives damaged streams.
    truth = None if name.startswith("htj2k") else truth
    encapsulated(name, d, [bytes(stream)], syntax, truth, tolerance=tolerance)


def offsets(groups):
    found, position = [], 0
    for group in groups:
        found.append(position)
        position += sum(8 + len(f) + len(f) % 2 for f in group)
    return found


def halves(stream, parts=2):
    step = len(stream) // parts // 2 * 2
    return [stream[i * step : (i + 1) * step if i + 1 < parts else None] for i in range(parts)]


def rle_segment(plane):
    out, i = bytearray(), 0
    while i < len(plane):
        run = 1
        while i + run < len(plane) and run < 128 and plane[i + run] == plane[i]:
            run += 1
        if run > 2:
            out += bytes([257 - run, plane[i]])
        else:
            run = min(5, len(plane) - i)
            out += bytes([run - 1]) + plane[i : i + run]
        i += run
    return bytes(out) + b"\0" * (len(out) % 2)


def rle(pixels):
    planes = pixels.reshape(ROWS * COLUMNS, -1)
    bytes_of = planes.astype(planes.dtype.newbyteorder(">")).view("u1").reshape(ROWS * COLUMNS, -1)
    segments = [rle_segment(bytes_of[:, i].tobytes()) for i in range(bytes_of.shape[1])]
    head, position = [len(segments)], 64
    for s in segments:
        head.append(position)
        position += len(s)
    return struct.pack("<16I", *(head + [0] * 16)[:16]) + b"".join(segments)


def natives():
    kinds = {"grey8": GREY8, "signed12": SIGNED12, "grey16": GREY16, "grey32": GREY32, "rgb8": RGB8}
    for kind, pixels in kinds.items():
        stored = 12 if kind == "signed12" else None
        for label, syntax in {"implicit": IMPLICIT, "explicit": EXPLICIT, "deflated": DEFLATED}.items():
            native(f"{label}-{kind}", dataset(pixels, stored=stored), pixels.tobytes(), syntax, pixels)
        big = pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()
        if pixels.itemsize == 1:
            native(f"big-bytes-{kind}", dataset(pixels), big, BIG, pixels, "OB")
            padded = np.frombuffer(big + b"\0" * (len(big) % 2), "u2").byteswap().tobytes()
            native(f"big-{kind}", dataset(pixels), padded, BIG, pixels)
        else:
            native(f"big-{kind}", dataset(pixels, stored=stored), big, BIG, pixels)
    native("planar-rgb16", dataset(RGB16, planar=1), np.moveaxis(RGB16, -1, 0).tobytes(), EXPLICIT, RGB16)
    # One step of rounding there and one back.
    full = ybr(RGB8)
    native("ybr-full", dataset(RGB8, "YBR_FULL"), full.tobytes(), EXPLICIT, RGB8, tolerance=2)
    for name, convert in {"YBR_FULL_422": ybr, "YBR_PARTIAL_422": ybr_partial}.items():
        doubled = np.repeat(RGB8[:, ::2], 2, 1)
        pairs = convert(doubled)
        words = np.stack([pairs[:, ::2, 0], pairs[:, 1::2, 0], pairs[:, ::2, 1], pairs[:, ::2, 2]], -1)
        native(name.lower().replace("_", "-"), dataset(RGB8, name), words.tobytes(), EXPLICIT, doubled, tolerance=3)
    native("frames", dataset(FRAMES[0], stored=12, frames=3), FRAMES.tobytes(), EXPLICIT, FRAMES)
    overlays = (GREY12 | 0xA000).astype("u2")
    native("overlay-bits", dataset(GREY12, stored=12), overlays.tobytes(), EXPLICIT, GREY12)
    shifted = dataset(GREY12, stored=12)
    shifted.HighBit = 15
    native("high-bit-15", shifted, (GREY12 << 4).astype("u2").tobytes(), EXPLICIT, GREY12)
    packed = np.packbits(BITS.ravel(), bitorder="little").tobytes()
    packed += b"\0" * (len(packed) % 2)
    bits = lambda: dataset(BITS[0], frames=len(BITS), stored=1, allocated=1)
    native("bits", bits(), packed, EXPLICIT, BITS)
    native("deflated-bits", bits(), packed, DEFLATED, BITS)
    native("big-bits", bits(), np.frombuffer(packed, "u2").byteswap().tobytes(), BIG, BITS)
    short = dataset(GREY16, frames=2)
    native("short-frames", short, GREY16.tobytes(), EXPLICIT, None)
    native("packed12", dataset(GREY12, stored=12, allocated=12), bytes(ROWS * COLUMNS * 3 // 2), EXPLICIT, None)


def rles():
    for kind, pixels in {"grey8": GREY8, "signed12": SIGNED12, "grey16": GREY16, "grey32": GREY32, "rgb8": RGB8,
                         "rgb16": RGB16}.items():
        single(f"rle-{kind}", pixels, rle(pixels), RLE, stored=12 if kind == "signed12" else None)
    single("rle-ybr", RGB8, rle(ybr(RGB8)), RLE, "YBR_FULL", tolerance=2)
    encapsulated("rle-frames", dataset(FRAMES[0], frames=3), [rle(f) for f in FRAMES], RLE, FRAMES)
    cut = rle(GREY16)
    single("rle-cut", GREY16, cut[: len(cut) // 4 * 2], RLE)
    expected["rle-cut"] = None


def decoded_12(stream):
    return imagecodecs.jpeg8_decode(stream)


def jpegs():
    for kind, pixels, quality in (("grey8", GREY8, 90), ("rgb8", RGB8, 95)):
        for label, name, sampling in (("444", "YBR_FULL", 0), ("422", "YBR_FULL_422", 1)):
            if kind == "grey8" and label == "422":
                continue
            out = io.BytesIO()
            Image.fromarray(pixels).save(out, "JPEG", quality=quality, subsampling=sampling)
            truth = np.asarray(Image.open(io.BytesIO(out.getvalue())))
            photometric = None if kind == "grey8" else name
            # Two implementations of the cosine transform and of the chrominance's interpolation.
            single(f"baseline-{kind}-{label}", pixels, out.getvalue(), JPEG + "50", photometric, truth=truth,
                   tolerance=1 if kind == "grey8" else 3)
            # The stream says by its JFIF marker that it is not RGB, as the header claims.
            if photometric and label == "444":
                single("baseline-mislabelled", pixels, out.getvalue(), JPEG + "50", "RGB", truth=truth, tolerance=3)
    stream = imagecodecs.jpeg8_encode(GREY12, level=95, bitspersample=12)
    single("extended-grey12", GREY12, stream, JPEG + "51", stored=12, truth=decoded_12(stream), tolerance=1)
    unsigned12 = (SIGNED12.astype("i4") & 0xFFF).astype("u2")
    for predictor in range(1, 8):
        code = "70" if predictor == 1 else "57"
        stream = imagecodecs.jpeg8_encode(GREY16, lossless=True, predictor=predictor, bitspersample=16)
        single(f"lossless-grey16-p{predictor}", GREY16, stream, JPEG + code)
        stream = imagecodecs.jpeg8_encode(RGB8, lossless=True, predictor=predictor, bitspersample=8,
                                          colorspace="RGB", outcolorspace="RGB")
        single(f"lossless-rgb8-p{predictor}", RGB8, stream, JPEG + code)
    stream = imagecodecs.jpeg8_encode(unsigned12, lossless=True, predictor=1, bitspersample=12)
    single("lossless-signed12", SIGNED12, stream, JPEG + "70", stored=12)
    stream = imagecodecs.jpeg8_encode(GREY8, lossless=True, predictor=4, bitspersample=8)
    single("lossless-grey8", GREY8, stream, JPEG + "57")
    single("lossless-grey8-of-16", GREY8.astype("u2"), stream, JPEG + "57", stored=8)
    single("lossless-cut", GREY8, stream[: len(stream) * 2 // 3], JPEG + "57")
    expected["lossless-cut"] = None
    other = dataset(GREY8)
    other.Rows, other.Columns = COLUMNS, ROWS
    encapsulated("lossless-other-size", other, [stream], JPEG + "57", None)


def jpeg_ls_images():
    unsigned12 = (SIGNED12.astype("i4") & 0xFFF).astype("u2")
    single("jls-grey8", GREY8, jpeg_ls.encode_array(GREY8), JPEG + "80")
    single("jls-grey16", GREY16, jpeg_ls.encode_array(GREY16), JPEG + "80")
    stream = bytes(jpeg_ls.encode_pixel_data(unsigned12.tobytes(), rows=ROWS, columns=COLUMNS, samples_per_pixel=1,
                                             bits_stored=12, lossy_error=0, interleave_mode=0))
    single("jls-signed12", SIGNED12, stream, JPEG + "80", stored=12)
    single("jls-padded", SIGNED12, stream[:-2] + b"\0" + stream[-2:], JPEG + "80", stored=12)
    near = bytes(jpeg_ls.encode_array(GREY16, lossy_error=3))
    single("jls-near-grey16", GREY16, near, JPEG + "81", truth=jpeg_ls.decode(np.frombuffer(near, "u1")))
    for mode, label in ((0, "none"), (1, "line"), (2, "sample")):
        # CharLS takes pixels side by side for modes 1 and 2.
        data = (np.moveaxis(RGB8, -1, 0) if mode == 0 else RGB8).tobytes()
        for error in (0, 2):
            stream = bytes(jpeg_ls.encode_buffer(data, ROWS, COLUMNS, 3, 8, error, mode))
            single(f"jls-rgb8-{label}-{error}", RGB8, stream, JPEG + ("81" if error else "80"), tolerance=error)
    single("jls-cut", GREY16, bytes(jpeg_ls.encode_array(GREY16))[:300], JPEG + "80")
    expected["jls-cut"] = None


def j2k(pixels, **options):
    return bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="J2K", **options))


def jpeg_2000():
    kinds = {"grey8": (GREY8, None), "signed12": (SIGNED12, 12), "grey16": (GREY16, None), "signed16": (SIGNED16, None)}
    for kind, (pixels, stored) in kinds.items():
        single(f"j2k-{kind}", pixels, j2k(pixels, level=0, reversible=True), JPEG + "90", stored=stored)
        stream = bytes(imagecodecs.htj2k_encode(pixels, reversible=True))
        single(f"htj2k-{kind}", pixels, stream, JPEG + "201", stored=stored)
    single("j2k-rct", RGB8, j2k(RGB8, level=0, reversible=True, mct=True), JPEG + "90", "YBR_RCT")
    single("j2k-rgb", RGB8, j2k(RGB8, level=0, reversible=True, mct=False), JPEG + "90", "RGB")
    single("j2k-ybr-full", RGB8, j2k(ybr(RGB8), level=0, reversible=True, mct=False), JPEG + "90", "YBR_FULL",
           tolerance=2)
    single("j2k-jp2", GREY16, imagecodecs.jpeg2k_encode(GREY16, codecformat="JP2", level=0, reversible=True),
           JPEG + "90")
    lossy = j2k(RGB8, level=40, reversible=False, mct=True)
    # One unit for the rounding of real numbers in the wavelet transform.
    single("j2k-ict", RGB8, lossy, JPEG + "91", "YBR_ICT", truth=imagecodecs.jpeg2k_decode(lossy), tolerance=1)
    lossy = j2k(GREY16, level=60, reversible=False)
    single("j2k-lossy", GREY16, lossy, JPEG + "91", truth=imagecodecs.jpeg2k_decode(lossy), tolerance=1)
    single("j2k-part-2", GREY16, j2k(GREY16, level=0, reversible=True), JPEG + "92")
    # The stream says unsigned though the data set says signed, as some encoders write it, and the reverse.
    low = (SIGNED12.astype("i4") & 0xFFF).astype("u2")
    single("j2k-unsigned-stream", SIGNED12, j2k(low, level=0, reversible=True, bitspersample=12), JPEG + "90", stored=12)
    single("j2k-signed-stream", GREY16, j2k(GREY16.view("i2"), level=0, reversible=True), JPEG + "90")
    stream = bytes(imagecodecs.htj2k_encode(RGB8, reversible=True, rgb=True))
    single("htj2k-rct", RGB8, stream, JPEG + "201", "YBR_RCT")
    single("htj2k-rpcl", RGB8, stream, JPEG + "202", "YBR_RCT")
    stream = bytes(imagecodecs.htj2k_encode(RGB8, reversible=False, level=0.002, rgb=True))
    single("htj2k-ict", RGB8, stream, JPEG + "203", "YBR_ICT", truth=imagecodecs.htj2k_decode(stream), tolerance=1)
    whole = j2k(GREY16, level=0, reversible=True)
    single("j2k-cut", GREY16, whole[: len(whole) // 2], JPEG + "90")
    expected["j2k-cut"] = None
    other = dataset(GREY16)
    other.Rows = 9
    encapsulated("j2k-other-size", other, [whole], JPEG + "90", None)


def fragmented():
    streams = [j2k(f, level=0, reversible=True, bitspersample=12) for f in FRAMES]
    lossless = [bytes(imagecodecs.jpeg8_encode(f, lossless=True, predictor=1, bitspersample=12)) for f in FRAMES]
    stack = lambda frames: dataset(FRAMES[0], stored=12, frames=frames)
    for label, frames, code in (("j2k", streams, "90"), ("jpeg", lossless, "70")):
        groups = [halves(s, n) for s, n in zip(frames, (2, 3, 1))]
        flat = [f for g in groups for f in g]
        encapsulated(f"one-frame-split-{label}", stack(1), groups[1], JPEG + code, FRAMES[1:2])
        encapsulated(f"basic-table-{label}", stack(3), flat, JPEG + code, FRAMES, table=offsets(groups))
        encapsulated(f"no-table-{label}", stack(3), flat, JPEG + code, FRAMES)
        encapsulated(f"wrong-table-{label}", stack(3), flat, JPEG + code, FRAMES, table=[0, 6, 8])
        encapsulated(f"frames-absent-{label}", stack(None), flat, JPEG + code, FRAMES)
        encapsulated(f"frames-understated-{label}", stack(1), flat, JPEG + code, FRAMES)
        encapsulated(f"frames-overstated-{label}", stack(7), flat, JPEG + code, None)
        extended = stack(3)
        whole = [[s] for s in frames]
        extended.ExtendedOffsetTable = struct.pack("<3Q", *offsets(whole))
        extended.ExtendedOffsetTableLengths = struct.pack("<3Q", *[len(s) for s in frames])
        encapsulated(f"extended-table-{label}", extended, frames, JPEG + code, FRAMES)
    deflated = []
    for frame in FRAMES:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        deflated.append(packer.compress(frame.tobytes()) + packer.flush())
    encapsulated("deflated-frames", stack(3), deflated, DEFLATED_FRAMES, FRAMES)


def broken():
    """Files that claim far more than they hold."""
    bomb = dataset(GREY8)
    bomb.add_new(0x00091010, "OB", bytes(80 << 20))
    native("deflated-bomb", bomb, GREY8.tobytes(), DEFLATED, None)
    huge = j2k(GREY16, level=0, reversible=True)
    d = dataset(GREY16)
    d.Rows = d.Columns = 30000
    place = huge.index(b"\xff\x51") + 6
    claims = huge[:place] + struct.pack(">2I", 30000, 30000) + huge[place + 8 :]
    encapsulated("j2k-huge", d, [claims], JPEG + "90", None)
    place = huge.index(b"\xff\x51") + 22
    encapsulated("j2k-tiny-tiles", dataset(GREY16), [huge[:place] + struct.pack(">2I", 1, 1) + huge[place + 8 :]],
                 JPEG + "90", None)


def floats():
    for name, tag, vr, code in (("float", 0x7FE00008, "OF", "f4"), ("double", 0x7FE00009, "OD", "f8")):
        values = random.normal(0, 1000, (2, ROWS, COLUMNS)).astype(code)
        for label, syntax, order in (("", EXPLICIT, "<"), ("big-", BIG, ">")):
            d = dataset(GREY32, frames=2, allocated=values.itemsize * 8)
            for keyword in ("BitsStored", "HighBit", "PixelRepresentation"):
                delattr(d, keyword)
            d.add_new(tag, vr, values.astype(order + code).tobytes())
            write(f"{label}{name}", d, syntax, values.astype("f8"))


for old in (*ROOT.glob("*.dcm"), *ROOT.glob("*.raw")):
    old.unlink()
for part in (natives, rles, jpegs, jpeg_ls_images, jpeg_2000, fragmented, broken, floats):
    part()
used = {e["pixels"] for e in expected.values() if e}
for raw in ROOT.glob("*.raw"):
    if raw.name not in used:
        raw.unlink()
(ROOT / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")
print(sum(p.stat().st_size for p in ROOT.iterdir()), "bytes in", len(list(ROOT.iterdir())), "files")
