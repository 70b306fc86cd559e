"""Writes the DICOM fixtures and expected.json; run it with pydicom 3, pyjpegls and numpy.

Everything is synthetic. Expected values and affines are computed here from the numbers that the
slices were made of, not read back from the files. Affines are LPS, 3x4 by rows: voxel index to mm.
"""

import json
import pathlib
import shutil

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MPEG2MPML,
    JPEGLSLossless,
    MRImageStorage,
    RLELossless,
)

ROOT = pathlib.Path(__file__).parent
ROWS, COLUMNS = 6, 8
random = np.random.default_rng(20240607)
expected = {}


def uid(*numbers):
    return ".".join(["1.2.826.0.1.3680043.8.498.77"] + [str(n) for n in numbers])


def slice_dataset(series, number, stored, position, orientation, spacing, modality="CT", **extra):
    """One slice; `stored` is rows x columns of the numbers to put into the words."""
    d = Dataset()
    d.SOPClassUID = CTImageStorage if modality == "CT" else MRImageStorage
    d.SOPInstanceUID = uid(series, number)
    d.StudyInstanceUID = uid(1)
    d.SeriesInstanceUID = uid(series)
    d.FrameOfReferenceUID = uid(1, 1)
    d.SeriesNumber = series
    d.InstanceNumber = number
    d.Modality = modality
    d.PatientName = "Sample^Fixture"
    d.PatientID = "FIXTURE"
    d.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    d.Rows, d.Columns = stored.shape
    d.SamplesPerPixel = 1
    d.PhotometricInterpretation = "MONOCHROME2"
    d.BitsAllocated = stored.dtype.itemsize * 8
    d.BitsStored = d.BitsAllocated
    d.HighBit = d.BitsAllocated - 1
    d.PixelRepresentation = int(stored.dtype.kind == "i")
    if position is not None:
        d.ImagePositionPatient = [f"{v:.6f}".rstrip("0").rstrip(".") for v in position]
        d.ImageOrientationPatient = [f"{v:.9f}".rstrip("0").rstrip(".") for v in orientation]
    d.PixelSpacing = [str(v) for v in spacing]
    if modality == "CT":
        d.RescaleSlope, d.RescaleIntercept = "1", "-1024"
    for key, value in extra.items():
        if value is None:
            delattr(d, key)
        else:
            setattr(d, key, value)
    d.PixelData = stored.tobytes()
    d["PixelData"].VR = "OW" if d.BitsAllocated > 8 else "OB"
    return d


def write(path, d, syntax=ExplicitVRLittleEndian, preamble=True, swap=False):
    path = ROOT / path
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = d.SOPClassUID
    meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID
    meta.ImplementationClassUID = uid(0)
    if syntax in (RLELossless, JPEGLSLossless):
        d.file_meta = meta
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        d.compress(syntax, generate_instance_uid=False)
    if swap:
        d.PixelData = np.frombuffer(d.PixelData, f"<u{d.BitsAllocated // 8}").byteswap().tobytes()
    if preamble:
        d.file_meta = meta
        d.save_as(path, enforce_file_format=True)
    else:
        if "file_meta" in d.__dict__:
            del d.file_meta
        d.save_as(path, implicit_vr=True, little_endian=True)


def unit(v):
    return np.asarray(v, float) / np.linalg.norm(v)


def expect(name, values, orientation, spacing, origin, gap, scalar):
    """`values` is slices x rows x columns in the order of the volume."""
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    normal = np.cross(row, column)
    matrix = np.column_stack([row * spacing[1], column * spacing[0], normal * gap, origin])
    expected[name] = {
        "size": [values.shape[2], values.shape[1], values.shape[0]],
        "scalar": scalar,
        "affine": matrix.tolist(),
        "values": np.asarray(values, float).ravel().tolist(),
    }


AXIAL = [1, 0, 0, 0, 1, 0]
SPACING = [0.75, 0.5]  # rows, columns


def axial_positions(count, gap=2.5, start=-30.0):
    return [(-10.0, 5.0, start + gap * k) for k in range(count)]


def ct_values(count):
    return random.integers(0, 4096, (count, ROWS, COLUMNS))


def axial_ct():
    """12 bits of 16, numbers and names shuffled, garbage above the stored bits, implicit VR."""
    true = ct_values(5)
    garbage = random.integers(0, 16, true.shape) << 12
    order = [3, 0, 4, 1, 2]
    for k, z in enumerate(axial_positions(5)):
        d = slice_dataset(
            2, order[k] + 1, (true[k] | garbage[k]).astype("<u2"), z, AXIAL, SPACING,
            BitsStored=12, HighBit=11, SeriesDescription="Thorax", SliceThickness="5")
        write(f"axial-ct/IM{order[k]:03}", d, ImplicitVRLittleEndian)
    (ROOT / "axial-ct" / "notes.txt").write_text("This file is not DICOM. " * 20)
    expect("axial-ct", true - 1024, AXIAL, SPACING, (-10, 5, -30), 2.5, "int16")


def sagittal_mr():
    """Signed values; x runs to posterior, y to the feet; the normal points to the right."""
    orientation = [0, 1, 0, 0, 0, -1]
    true = random.integers(-500, 500, (4, ROWS, COLUMNS)).astype("<i2")
    for k in range(4):
        position = (12.0 - 3 * k, -80.0, 60.0)
        d = slice_dataset(
            3, 4 - k, true[k], position, orientation, SPACING, "MR", SeriesDescription="T1 sagittal")
        write(f"sagittal-mr/{4 - k}.dcm", d)
    expect("sagittal-mr", true, orientation, SPACING, (12, -80, 60), 3, "int16")


def oblique():
    row = unit([0.9, 0.3, -0.2])
    column = unit(np.cross([0.1, -0.2, 1.0], row))
    return row, column, np.cross(row, column)


def oblique_mr():
    """Oblique, float rescale that differs between slices, 13 bits in the top of the word."""
    row, column, normal = oblique()
    stored = random.integers(0, 8192, (4, ROWS, COLUMNS))
    slopes, intercepts = [0.5, 0.25, 1.5, 2], [-3.5, 0, 10, 7]
    origin = np.array([20.5, -33.25, 101.125])
    for k in range(4):
        d = slice_dataset(
            4, k + 1, (stored[k] << 3).astype("<u2"), origin + normal * 1.2 * k,
            [*row, *column], SPACING, "MR", BitsStored=13, HighBit=15,
            RescaleSlope=str(slopes[k]), RescaleIntercept=str(intercepts[k]))
        write(f"oblique-mr/{'dbca'[k]}.ima", d)
    true = [stored[k] * slopes[k] + intercepts[k] for k in range(4)]
    expect("oblique-mr", np.array(true), [*row, *column], SPACING, origin, 1.2, "float32")


def codings():
    """The same slices native, RLE, big endian, and without preamble and meta group."""
    true = random.integers(-2000, 2000, (3, ROWS, COLUMNS)).astype("<i2")
    true[:, 0] = 7  # runs for RLE
    for name in ["rle", "big-endian", "no-preamble"]:
        for k, z in enumerate(axial_positions(3)):
            d = slice_dataset(5, k + 1, true[k], z, AXIAL, SPACING, "MR")
            if name == "rle":
                write(f"{name}/{k}.dcm", d, RLELossless)
            elif name == "big-endian":
                write(f"{name}/{k}.dcm", d, ExplicitVRBigEndian, swap=True)
            else:
                write(f"{name}/{k}", d, preamble=False)
        expect(name, true, AXIAL, SPACING, (-10, 5, -30), 2.5, "int16")


def jpeg_ls():
    """Noise, a flat area and a ramp, for the regular and the run mode."""
    true = np.zeros((2, 16, 20), "<u2")
    true[0, :8] = random.integers(0, 4096, (8, 20))
    true[0, 8:] = 1000
    true[0, 12, 5] = 1234
    true[1] = np.add.outer(np.arange(16) * 17, np.arange(20) * 3)
    for k, z in enumerate(axial_positions(2)):
        d = slice_dataset(29, k + 1, true[k], z, AXIAL, SPACING, "MR", BitsStored=12, HighBit=11)
        write(f"jpeg-ls/{k}.dcm", d, JPEGLSLossless)
    expect("jpeg-ls", true, AXIAL, SPACING, (-10, 5, -30), 2.5, "uint16")


def bytes_and_words():
    """8-bit unsigned of an odd number of pixels, and 32-bit signed values."""
    true = random.integers(0, 256, (2, 5, 7)).astype("u1")
    for k, z in enumerate(axial_positions(2)):
        write(f"uint8/{k}.dcm", slice_dataset(6, k + 1, true[k], z, AXIAL, SPACING, "MR"))
    expect("uint8", true, AXIAL, SPACING, (-10, 5, -30), 2.5, "uint8")
    true = random.integers(-(2**31), 2**31, (2, ROWS, COLUMNS)).astype("<i4")
    for k, z in enumerate(axial_positions(2)):
        write(f"int32/{k}.dcm", slice_dataset(7, k + 1, true[k], z, AXIAL, SPACING, "MR"))
    expect("int32", true, AXIAL, SPACING, (-10, 5, -30), 2.5, "int32")


def plain(folder, series, positions, start=1, modality="MR", orientation=AXIAL, **extra):
    """Slices whose values do not matter."""
    for k, z in enumerate(positions):
        stored = np.full((ROWS, COLUMNS), 10 * series + k, "<u2")
        d = slice_dataset(
            series, start + k, stored, z, orientation, SPACING, modality, **extra)
        yield f"{folder}/{series}-{start + k}.dcm", d


def write_all(pairs):
    for path, d in pairs:
        write(path, d)


def odd_series():
    write_all(plain("two-series", 8, axial_positions(3), SeriesDescription="T1 axial"))
    write_all(plain("two-series/more", 9, axial_positions(4), SeriesDescription="T2 axial"))
    positions = axial_positions(6)
    write_all(plain("missing-slice", 10, positions[:3] + positions[4:]))
    write_all(plain("uneven", 11, [(0, 0, z) for z in [0, 2, 4, 6.5, 8.5]]))
    sagittal = [0, 1, 0, 0, 0, -1]
    write_all(plain("three-planes", 12, axial_positions(3)))
    write_all(
        plain("three-planes", 12, [(4.0 * k, 0, 0) for k in range(2)], start=4, orientation=sagittal))
    write_all(plain("mixed-orientation", 13, positions[:2] + positions[3:]))
    write_all(plain("mixed-orientation", 13, [positions[2]], start=9, orientation=sagittal))
    write_all(plain("duplicate-position", 14, axial_positions(3)))
    write_all(plain("duplicate-position", 14, [axial_positions(2)[1]], start=9))
    write_all(plain("copied-file", 15, axial_positions(3)))
    shutil.copy(ROOT / "copied-file/15-2.dcm", ROOT / "copied-file/copy.dcm")
    for echo in range(2):
        write_all(
            plain("echoes", 16, axial_positions(3), start=1 + 10 * echo, EchoTime=str(5 + 10 * echo)))
    tilted = [(0, k * 2.5 * np.tan(np.radians(12)), 2.5 * k) for k in range(4)]
    write_all(plain("tilted", 17, tilted, modality="CT"))
    write_all(plain("no-position", 18, [None, None]))
    write_all(plain("single", 19, axial_positions(1), SliceThickness="4"))
    write_all(plain("single-planar", 20, axial_positions(1)))
    write_all(plain("picture", 21, [None]))
    write_all(plain("monochrome1", 22, axial_positions(2), PhotometricInterpretation="MONOCHROME1"))
    write_all(plain("mosaic", 23, axial_positions(2), ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"]))
    for path, d in plain("mpeg2", 24, axial_positions(1)):
        d.PixelData = encapsulate([b"\x00\x00\x01\xb3" + bytes(60)])
        d["PixelData"].VR = "OB"
        write(path, d, MPEG2MPML)
    for path, d in plain("multi-frame", 25, axial_positions(1)):
        d.NumberOfFrames = 2
        d.PixelData = d.PixelData * 2
        write(path, d)
    for path, d in plain("colour", 26, axial_positions(1)):
        d.SamplesPerPixel, d.PlanarConfiguration = 3, 0
        d.PhotometricInterpretation = "RGB"
        d.BitsAllocated, d.BitsStored, d.HighBit = 8, 8, 7
        d.PixelData = bytes(ROWS * COLUMNS * 3)
        write(path, d)
    write_all(plain("truncated", 27, axial_positions(3)))
    victim = ROOT / "truncated/27-2.dcm"
    victim.write_bytes(victim.read_bytes()[:-20])
    write_all(plain("cut-header", 28, axial_positions(3)))
    victim = ROOT / "cut-header/28-2.dcm"
    content = victim.read_bytes()
    victim.write_bytes(content[: content.index(b"\x20\x00\x32\x00") + 6])


for entry in ROOT.iterdir():
    if entry.is_dir():
        shutil.rmtree(entry)
axial_ct()
sagittal_mr()
oblique_mr()
codings()
bytes_and_words()
odd_series()
jpeg_ls()
(ROOT / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
print(sum(p.stat().st_size for p in ROOT.rglob("*") if p.is_file()), "bytes")
