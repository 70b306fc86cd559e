"""Fixtures of multi-frame objects, mosaics, 4-D series, dose grids, PET and colours; run by generate.py.

`kit` is the module generate.py itself: `slice_dataset`, `write`, `expect`, `axial_positions`, `uid`, `random`.
"""

import struct

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    NuclearMedicineImageStorage,
    ParametricMapStorage,
    PositronEmissionTomographyImageStorage,
    RTDoseStorage,
    UltrasoundMultiFrameImageStorage,
)

ROWS, COLUMNS = 6, 8
AXIAL = [1, 0, 0, 0, 1, 0]
SPACING = [0.75, 0.5]


def item(**elements):
    d = Dataset()
    for key, value in elements.items():
        setattr(d, key, value)
    return Sequence([d])


def stacked(kit, series, frames, modality, sop, **extra):
    """A multi-frame data set of frames x rows x columns."""
    d = kit.slice_dataset(series, 1, frames[0], None, None, SPACING, modality, **extra)
    d.SOPClassUID = sop
    d.NumberOfFrames = len(frames)
    d.PixelData = frames.tobytes()
    return d


def enhanced_ct(kit):
    """Frames out of order; geometry and rescale shared."""
    true = kit.random.integers(0, 4096, (4, ROWS, COLUMNS))
    row, column, normal = kit.oblique()
    origin = np.array([5.0, -20.0, 33.0])
    order = [2, 0, 3, 1]
    d = stacked(kit, 40, true[order].astype("<u2"), "CT", EnhancedCTImageStorage, BitsStored=12, HighBit=11)
    for key in ["PixelSpacing", "RescaleSlope", "RescaleIntercept"]:
        delattr(d, key)
    shared = Dataset()
    shared.PlaneOrientationSequence = item(ImageOrientationPatient=[f"{v:.9f}" for v in [*row, *column]])
    shared.PixelMeasuresSequence = item(PixelSpacing=SPACING, SliceThickness="2")
    shared.PixelValueTransformationSequence = item(RescaleSlope="1", RescaleIntercept="-1024")
    d.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for k in order:
        frame = Dataset()
        position = [f"{v:.6f}" for v in origin + normal * 1.5 * k]
        frame.PlanePositionSequence = item(ImagePositionPatient=position)
        frame.FrameContentSequence = item(StackID="1", InStackPositionNumber=k + 1)
        frames.append(frame)
    d.PerFrameFunctionalGroupsSequence = Sequence(frames)
    kit.write("enhanced-ct/1.dcm", d)
    kit.expect("enhanced-ct", true - 1024, [*row, *column], SPACING, origin, 1.5, "int16")


def enhanced_mr(kit):
    """Two b-values of three slices, b-values fastest, a slope for each frame."""
    stored = kit.random.integers(0, 1000, (3, 2, ROWS, COLUMNS))
    slopes = 0.5 + np.arange(6).reshape(3, 2) / 4
    d = stacked(kit, 41, stored.reshape(6, ROWS, COLUMNS).astype("<u2"), "MR", EnhancedMRImageStorage)
    shared = Dataset()
    shared.PlaneOrientationSequence = item(ImageOrientationPatient=AXIAL)
    shared.PixelMeasuresSequence = item(PixelSpacing=SPACING, SliceThickness="2.5")
    d.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for k, z in enumerate(kit.axial_positions(3)):
        for b, value in enumerate([0.0, 1000.0]):
            frame = Dataset()
            frame.PlanePositionSequence = item(ImagePositionPatient=list(z))
            frame.MRDiffusionSequence = item(DiffusionBValue=value)
            frame.PixelValueTransformationSequence = item(
                RescaleSlope=str(slopes[k, b]), RescaleIntercept="0")
            frames.append(frame)
    d.PerFrameFunctionalGroupsSequence = Sequence(frames)
    kit.write("enhanced-mr/1.dcm", d)
    for b in range(2):
        values = stored[:, b] * slopes[:, b, None, None]
        kit.expect(f"enhanced-mr#{b + 1}", values, AXIAL, SPACING, (-10, 5, -30), 2.5, "float32")


def csa(count, normal, second):
    """A CSA header of three names, in either layout."""
    entries = [("EchoLinePosition", ["32"]), ("NumberOfImagesInMosaic", [f"{count:<8}"]),
               ("SliceNormalVector", [f"{v:.8f}" for v in normal])]
    out = b"SV10\4\3\2\1" if second else b""
    out += struct.pack("<II", len(entries), 77)
    first = 6
    for name, values in entries:
        out += name.encode().ljust(64, b"\0") + struct.pack("<I4sIII", len(values), b"IS\0\0", 6, first, 77)
        for text in (values + [""] * first)[:first]:
            data = text.encode() + b"\0" if text else b""
            size = len(data)
            words = (size, size, 77, size) if second else (size + first, size, 77, size)
            out += struct.pack("<IIII", *words) + data + b"\0" * (-size % 4)
    return out


def mosaics(kit):
    """Seven tiles in a grid of three by three; slices run against the normal; two points in time."""
    row, column, normal = kit.oblique()
    for name, second in [("mosaic-csa", True), ("mosaic-csa1", False)]:
        series = 42 if second else 43
        for point in range(2):
            true = kit.random.integers(0, 4096, (7, ROWS, COLUMNS)).astype("<u2")
            picture = np.zeros((3 * ROWS, 3 * COLUMNS), "<u2")
            for k in range(7):
                y, x = divmod(k, 3)
                picture[y * ROWS:(y + 1) * ROWS, x * COLUMNS:(x + 1) * COLUMNS] = true[k]
            first = np.array([-7.0, 12.0, 4.0])
            place = first - row * SPACING[1] * COLUMNS - column * SPACING[0] * ROWS
            d = kit.slice_dataset(
                series, point + 1, picture, place, [*row, *column], SPACING, "MR",
                ImageType=["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"], SpacingBetweenSlices="3",
                AcquisitionNumber=str(point + 1))
            block = d.private_block(0x29, "SIEMENS CSA HEADER", create=True)
            block.add_new(0x10, "OB", csa(7, -normal, second))
            kit.write(f"{name}/{point + 1}.dcm", d)
            origin = first - normal * 3 * 6
            kit.expect(
                f"{name}#{point + 1}", true[::-1], [*row, *column], SPACING, origin, 3, "uint16")


def files_in_time(kit):
    """Three temporal positions; two echoes of two points; two b-values by Siemens; a cine."""
    for point in range(3):
        true = kit.random.integers(0, 4096, (3, ROWS, COLUMNS)).astype("<u2")
        for k, z in enumerate(kit.axial_positions(3)):
            d = kit.slice_dataset(
                44, 10 * point + k, true[k], z, AXIAL, SPACING, "MR",
                TemporalPositionIdentifier=str(point + 1), AcquisitionTime=f"1000{point * 3 + k:02}")
            kit.write(f"time-series/{k}-{point}.dcm", d)
        kit.expect(f"time-series#{point + 1}", true, AXIAL, SPACING, (-10, 5, -30), 2.5, "uint16")
    number = 0
    for echo in [5, 15]:
        for point in range(2):
            for k, z in enumerate(kit.axial_positions(2)):
                number += 1
                stored = np.full((ROWS, COLUMNS), number, "<u2")
                d = kit.slice_dataset(
                    45, number, stored, z, AXIAL, SPACING, "MR", EchoTime=str(echo),
                    TemporalPositionIdentifier=str(point + 1))
                kit.write(f"echoes-in-time/{number}.dcm", d)
    number = 0
    for b, direction in [(0, None), (800, [1, 0, 0]), (800, [0, 1, 0])]:
        for k, z in enumerate(kit.axial_positions(2)):
            number += 1
            stored = np.full((ROWS, COLUMNS), number, "<u2")
            d = kit.slice_dataset(46, number, stored, z, AXIAL, SPACING, "MR")
            block = d.private_block(0x19, "SIEMENS MR HEADER", create=True)
            block.add_new(0x0C, "IS", str(b))
            if direction:
                block.add_new(0x0E, "FD", direction)
            kit.write(f"diffusion/{number}.dcm", d)
    number = 0
    for point in range(2):
        for k, z in enumerate(kit.axial_positions(3)):
            number += 1
            stored = np.full((ROWS, COLUMNS), 10 * point + k, "<u2")
            d = kit.slice_dataset(
                47, number, stored, z, AXIAL, SPACING, "MR", TriggerTime=str(40 * point + 3 * k))
            kit.write(f"cine/{number}.dcm", d)


def kinds(kit):
    """A localiser beside slices; magnitude and phase at the same places; CT phases of contrast."""
    kit.write_all(kit.plain("localiser", 48, kit.axial_positions(3), modality="CT"))
    kit.write_all(kit.plain(
        "localiser", 48, [(0, 0, 0)], start=9, modality="CT", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]))
    for start, part in [(1, "M"), (5, "P")]:
        kit.write_all(kit.plain(
            "magnitude-phase", 49, kit.axial_positions(2), start=start,
            ImageType=["ORIGINAL", "PRIMARY", part, "ND"]))
    for phase in range(2):
        kit.write_all(kit.plain(
            "contrast-phases", 50, kit.axial_positions(2), start=1 + 4 * phase, modality="CT",
            AcquisitionNumber=str(phase + 1)))
    kit.write_all(kit.plain("same-uid", 51, kit.axial_positions(3), SOPInstanceUID=kit.uid(51, 1)))


def crooked(kit):
    """Values linear in position, 2x + 3y - z + 100, so that interpolation is exact."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    tilt = np.tan(np.radians(12))
    places = {
        "tilted-linear": [(1.0, -4 + 2.5 * k * tilt, 2.5 * k) for k in range(5)],
        "missing-linear": [(1.0, -4.0, z) for z in [0, 2, 4, 8, 10]],
    }
    for series, (name, positions) in enumerate(places.items(), 52):
        for k, p in enumerate(positions):
            value = 2 * (p[0] + x * SPACING[1]) + 3 * (p[1] + y * SPACING[0]) - p[2] + 100
            d = kit.slice_dataset(
                series, k + 1, np.round(value * 1e6).astype("<i4"), p, AXIAL, SPACING, "MR",
                RescaleSlope="0.000001", RescaleIntercept="0")
            kit.write(f"{name}/{k}.dcm", d)


def pet(kit):
    """Activity in Bq/ml, an hour after the dose; the same in counts with Philips' factors."""
    stored = kit.random.integers(0, 30000, (2, ROWS, COLUMNS))
    for name, series in [("pet", 54), ("pet-philips", 55)]:
        for k, z in enumerate(kit.axial_positions(2)):
            d = kit.slice_dataset(
                series, k + 1, stored[k].astype("<i2"), z, AXIAL, SPACING, "PT",
                RescaleSlope=str(0.5 + k), RescaleIntercept="0", PatientWeight="70", Units="BQML",
                CorrectedImage=["DECY", "ATTN", "SCAT"], DecayCorrection="START",
                SeriesDate="20200301", SeriesTime="003000", AcquisitionDate="20200301",
                AcquisitionTime=f"003{k}00.50")
            d.SOPClassUID = PositronEmissionTomographyImageStorage
            d.RadiopharmaceuticalInformationSequence = item(
                RadionuclideTotalDose="370000000", RadionuclideHalfLife="6586.2",
                RadiopharmaceuticalStartTime="233000")
            if name == "pet-philips":
                d.Units = "CNTS"
                block = d.private_block(0x7053, "Philips PET Private Group", create=True)
                block.add_new(0x00, "DS", "0.00025")
            kit.write(f"{name}/{k}.dcm", d)
    true = stored * np.array([0.5, 1.5])[:, None, None]
    left = 370e6 * 2 ** (-3600 / 6586.2)
    kit.expect("pet", true, AXIAL, SPACING, (-10, 5, -30), 2.5, "float32")
    kit.expect("pet-suv", true * 70e3 / left, AXIAL, SPACING, (-10, 5, -30), 2.5, "float32")
    kit.expect("pet-philips-suv", true * 0.00025, AXIAL, SPACING, (-10, 5, -30), 2.5, "float32")


def values(kit):
    """A modality look-up table, floating-point pixels, padding."""
    table = kit.random.integers(0, 60000, 16)
    for k, z in enumerate(kit.axial_positions(2)):
        stored = kit.random.integers(0, 32, (ROWS, COLUMNS)).astype("<u2")
        d = kit.slice_dataset(56, k + 1, stored, z, AXIAL, SPACING, "MR")
        lut = Dataset()
        lut.add_new(0x00283002, "US", [16, 4, 16])
        lut.add_new(0x00283006, "OW", table.astype("<u2").tobytes())
        d.ModalityLUTSequence = Sequence([lut])
        kit.write(f"modality-table/{k}.dcm", d)
        true = table[np.clip(stored.astype(int) - 4, 0, 15)]
        both = true[None] if k == 0 else np.concatenate([both, true[None]])
    kit.expect("modality-table", both, AXIAL, SPACING, (-10, 5, -30), 2.5, "uint16")
    for name, kind in [("float-pixels", "<f4"), ("double-pixels", "<f8")]:
        true = kit.random.normal(size=(2, ROWS, COLUMNS)).astype(kind)
        for k, z in enumerate(kit.axial_positions(2)):
            d = kit.slice_dataset(
                57, k + 1, np.zeros((ROWS, COLUMNS), "<u2"), z, AXIAL, SPACING, "MR")
            d.SOPClassUID = ParametricMapStorage
            for key in ["PixelData", "BitsStored", "HighBit", "PixelRepresentation"]:
                delattr(d, key)
            d.BitsAllocated = 8 * np.dtype(kind).itemsize
            if kind == "<f4":
                d.FloatPixelData = true[k].tobytes()
            else:
                d.DoubleFloatPixelData = true[k].tobytes()
            kit.write(f"{name}/{k}.dcm", d)
        scalar = "float32" if kind == "<f4" else "float64"
        kit.expect(name, true, AXIAL, SPACING, (-10, 5, -30), 2.5, scalar)
    for k, z in enumerate(kit.axial_positions(2)):
        stored = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS).astype("<i2")
        stored[0, :k + 2] = -2000
        d = kit.slice_dataset(58, k + 1, stored, z, AXIAL, SPACING, "CT")
        d.add_new(0x00280120, "SS", -2000)
        kit.write(f"padding/{k}.dcm", d)


def old_multi_frame(kit):
    """Dose grids with relative and absolute offsets, nuclear medicine, ultrasound in time."""
    stored = kit.random.integers(0, 100000, (4, ROWS, COLUMNS)).astype("<u4")
    for name, start in [("dose", 0.0), ("dose-absolute", -30.0)]:
        d = stacked(kit, 59, stored, "RTDOSE", RTDoseStorage)
        d.ImagePositionPatient, d.ImageOrientationPatient = [-10, 5, -30], AXIAL
        d.DoseGridScaling = "0.001"
        d.FrameIncrementPointer = 0x3004000C
        d.GridFrameOffsetVector = [start + 2.5 * k for k in range(4)]
        kit.write(f"{name}/1.dcm", d)
        kit.expect(name, stored * 0.001, AXIAL, SPACING, (-10, 5, -30), 2.5, "float64")
    true = kit.random.integers(0, 4096, (2, 3, ROWS, COLUMNS)).astype("<u2")
    d = stacked(kit, 60, true.reshape(6, ROWS, COLUMNS), "NM", NuclearMedicineImageStorage)
    d.SpacingBetweenSlices = "-4"
    d.SliceVector = [1, 2, 3, 1, 2, 3]
    d.EnergyWindowVector = [1, 1, 1, 2, 2, 2]
    d.DetectorInformationSequence = item(
        ImagePositionPatient=[-10, 5, -30], ImageOrientationPatient=AXIAL)
    kit.write("nuclear/1.dcm", d)
    for window in range(2):
        kit.expect(
            f"nuclear/{window + 1}", true[window][::-1], AXIAL, SPACING, (-10, 5, -38), 4, "uint16")
    true = kit.random.integers(0, 256, (3, ROWS, COLUMNS)).astype("u1")
    d = stacked(kit, 61, true, "US", UltrasoundMultiFrameImageStorage)
    kit.write("ultrasound/1.dcm", d)
    for k in range(3):
        kit.expect(f"ultrasound#{k + 1}", true[k:k + 1], AXIAL, SPACING, (0, 0, 0), 1, "uint8")


def colours(kit):
    """RGB, and a palette of 16-bit entries; bytes in order of the pixels."""
    rgb = kit.random.integers(0, 256, (ROWS, COLUMNS, 3)).astype("u1")
    d = kit.slice_dataset(62, 1, rgb[..., 0], None, None, SPACING, "OT")
    d.SamplesPerPixel, d.PlanarConfiguration, d.PhotometricInterpretation = 3, 0, "RGB"
    d.PixelData = rgb.tobytes()
    kit.write("rgb/1.dcm", d)
    kit.expected["rgb"] = {"size": [COLUMNS, ROWS], "rgb": rgb.ravel().tolist()}
    index = kit.random.integers(0, 24, (ROWS, COLUMNS)).astype("u1")
    palette = kit.random.integers(0, 65536, (3, 16)).astype("<u2")
    d = kit.slice_dataset(63, 1, index, None, None, SPACING, "OT")
    d.PhotometricInterpretation = "PALETTE COLOR"
    for name, entries in zip(["Red", "Green", "Blue"], palette):
        setattr(d, f"{name}PaletteColorLookupTableDescriptor", [16, 2, 16])
        setattr(d, f"{name}PaletteColorLookupTableData", entries.tobytes())
    kit.write("palette/1.dcm", d)
    colours = palette[:, np.clip(index.astype(int) - 2, 0, 15)] >> 8
    kit.expected["palette"] = {
        "size": [COLUMNS, ROWS], "rgb": np.moveaxis(colours, 0, -1).ravel().tolist()}


def write_frames(kit):
    for part in [enhanced_ct, enhanced_mr, mosaics, files_in_time, kinds, crooked, pet, values,
                 old_multi_frame, colours]:
        part(kit)
