"""Writes the SEG fixtures of this folder and expected.json (highdicom 0.28, pydicom 3, numpy, seeded)."""
import copy
import json
import os
import shutil

import highdicom as hd
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

ROWS, COLUMNS, SLICES = 7, 9, 8
SPACING = (0.75, 0.5)
GAP = 2.5
ROOT = "2.25.77"
here = os.path.dirname(os.path.abspath(__file__))
expected = {}
counter = 0


def uid():
    global counter
    counter += 1
    return f"{ROOT}.{counter}"


def rotation():
    a, b = 0.3, -0.4
    first = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    second = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return first @ second


def series(axes, name):
    """A CT series on a grid whose axes are the columns of a rotation."""
    study, own, frame = uid(), uid(), uid()
    origin = np.array([-12.5, 33.25, 100.0])
    slices = []
    for k in range(SLICES):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        ds.SOPInstanceUID = uid()
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, own, frame
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Fixture", "F", "", ""
        ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20200101", "101010", "1", ""
        ds.ReferringPhysicianName, ds.Modality, ds.SeriesNumber = "", "CT", 1
        ds.InstanceNumber = k + 1
        ds.PositionReferenceIndicator = ""
        ds.Manufacturer = "none"
        ds.Rows, ds.Columns, ds.PixelSpacing = ROWS, COLUMNS, list(SPACING)
        ds.SliceThickness = GAP
        ds.ImageOrientationPatient = [round(float(v), 9) for v in [*axes[:, 0], *axes[:, 1]]]
        position = origin + axes[:, 2] * GAP * k
        ds.ImagePositionPatient = [round(float(v), 6) for v in position]
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
        ds.PixelData = np.zeros((ROWS, COLUMNS), "<u2").tobytes()
        slices.append(ds)
    if name:
        folder = os.path.join(here, name)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for k, ds in enumerate(slices):
            ds.save_as(os.path.join(folder, f"{k}.dcm"), enforce_file_format=True)
    affine = np.eye(4)
    affine[:3, :3] = axes @ np.diag([SPACING[1], SPACING[0], GAP])
    affine[:3, 3] = origin
    return slices, affine


def descriptions(numbers, colours=True):
    found = []
    for number in numbers:
        found.append(
            hd.seg.SegmentDescription(
                number,
                f"segment {number}",
                codes.SCT.AnatomicalStructure if hasattr(codes.SCT, "AnatomicalStructure") else codes.SCT.Tissue,
                codes.SCT.Liver if number == 1 else codes.SCT.Kidney,
                "MANUAL",
                display_color=hd.color.CIELabColor.from_rgb(200, 10 * number, 255 - number) if colours else None,
            )
        )
    return found


def keep(name, ds, layers, affine, tables=None, problems=(), first=0, **facts):
    """Saves a file and what reading it must give: layers of [z, y, x] from slice `first` on."""
    ds.ContentDate, ds.ContentTime = "20240101", "101010"
    ds.InstanceCreationDate, ds.InstanceCreationTime = "20240101", "101010"
    for item in ds.get("ContributingEquipmentSequence", []):
        if "ContributionDateTime" in item:
            item.ContributionDateTime = "20240101101010"
    ds.save_as(os.path.join(here, name + ".dcm"), enforce_file_format=True)
    moved = affine.copy()
    moved[:3, 3] += affine[:3, 2] * first
    expected[name] = {
        "size": list(np.asarray(layers[0]).shape[::-1]),
        "layers": [np.asarray(layer).astype(int).ravel().tolist() for layer in layers],
        "affine": np.round(moved, 9).tolist(),
        "problems": list(problems),
        **facts,
    }


def segmentation(source, pixels, kind, numbers, **options):
    return hd.seg.Segmentation(
        source, pixels, kind, descriptions(numbers), uid(), 2, uid(), 1, "Maker", "Model", "1", "serial", **options
    )


def refuse(name, ds):
    ds.save_as(os.path.join(here, name + ".dcm"), enforce_file_format=True)
    expected[name] = {"refused": True}


def main():
    rng = np.random.default_rng(11)
    straight, affine = series(np.eye(3), "series")
    labels = np.zeros((SLICES, ROWS, COLUMNS), np.uint8)
    labels[2:4, 1:4, 2:6] = 1
    labels[3:6, 4:6, 1:8] = 2
    labels[5, 0:3, 5:9] = 3
    three = [1, 2, 3]

    # highdicom, binary: slices 2 to 5 have frames.
    binary = segmentation(straight, labels, "BINARY", three)
    colours = [[200, 10 * n, 255 - n] for n in three]
    keep("binary", binary, [labels[2:6]], affine, first=2, colours=colours, names=["segment 1", "segment 2", "segment 3"])

    # The same with the frames shuffled, and without Spacing Between Slices.
    order = rng.permutation(len(binary.PerFrameFunctionalGroupsSequence))
    shuffled = copy.deepcopy(binary)
    frames = binary.pixel_array
    shuffled.PerFrameFunctionalGroupsSequence = [binary.PerFrameFunctionalGroupsSequence[i] for i in order]
    shuffled.PixelData = np.packbits(frames[order].ravel(), bitorder="little").tobytes() + b"\0"
    shuffled.PixelData = shuffled.PixelData[: (len(shuffled.PixelData) // 2) * 2]
    measures = shuffled.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    if "SpacingBetweenSlices" in measures:
        del measures.SpacingBetweenSlices
    keep("shuffled", shuffled, [labels[2:6]], affine, first=2)

    # Orientation and measures in each frame instead of the shared groups.
    perframe = copy.deepcopy(binary)
    shared = perframe.SharedFunctionalGroupsSequence[0]
    for frame in perframe.PerFrameFunctionalGroupsSequence:
        frame.PlaneOrientationSequence = shared.PlaneOrientationSequence
        frame.PixelMeasuresSequence = shared.PixelMeasuresSequence
    del shared.PlaneOrientationSequence
    del shared.PixelMeasuresSequence
    keep("per-frame", perframe, [labels[2:6]], affine, first=2)

    # No references at all.
    alone = copy.deepcopy(binary)
    for frame in alone.PerFrameFunctionalGroupsSequence:
        del frame.DerivationImageSequence
    del alone.ReferencedSeriesSequence
    keep("no-references", alone, [labels[2:6]], affine, first=2)

    # A slice without frames between others.
    gap = labels.copy()
    gap[3] = 0
    keep("gap", segmentation(straight, gap, "BINARY", three), [gap[2:6]], affine, first=2)

    # One frame.
    one = np.zeros_like(labels)
    one[4, 2:4, 2:5] = 1
    keep("one-frame", segmentation(straight, one, "BINARY", [1]), [one[4:5]], affine, first=4)

    # Slices at 0, 1 and 2.5 gaps.
    uneven = copy.deepcopy(segmentation(straight, labels, "BINARY", three))
    for frame in uneven.PerFrameFunctionalGroupsSequence:
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        if abs(float(position[2]) - (100 + 5 * GAP)) < 1e-6:
            frame.PlanePositionSequence[0].ImagePositionPatient = [position[0], position[1], 100 + 5.5 * GAP]
    for tag in ("SpacingBetweenSlices", "SliceThickness"):
        measures = uneven.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        if tag in measures:
            delattr(measures, tag)
    refuse("uneven", uneven)

    # Overlap: segments 1 and 2 share voxels, 3 does not overlap 1.
    stack = np.zeros((SLICES, ROWS, COLUMNS, 3), np.uint8)
    stack[1:4, 1:5, 1:6, 0] = 1
    stack[2:6, 3:6, 4:8, 1] = 1
    stack[6, 0:2, 0:2, 2] = 1
    first = np.zeros_like(labels)
    first[stack[..., 0] == 1] = 1
    first[stack[..., 2] == 1] = 3
    second = np.where(stack[..., 1] == 1, 2, 0)
    overlap = segmentation(straight, stack, "BINARY", three)
    keep("overlap", overlap, [first[1:7], second[1:7]], affine, first=1, ids=[[1, 3], [2]])

    # Fractions: half of the maximum belongs to the segment. The second grows where the first fades.
    ramp = np.zeros((SLICES, ROWS, COLUMNS, 2), np.float64)
    ramp[2:6, :, :, 0] = np.linspace(0, 1, COLUMNS)
    ramp[2:6, :, :, 1] = 1 - ramp[2:6, :, :, 0]
    for name, syntax in (("fractional", ExplicitVRLittleEndian), ("fractional-rle", RLELossless)):
        fractional = segmentation(
            straight, ramp, "FRACTIONAL", [1, 2], max_fractional_value=200, transfer_syntax_uid=syntax
        )
        stored = np.around(ramp * 200).astype(int)
        high = [np.where(2 * stored[2:6, ..., n] >= 200, n + 1, 0) for n in (0, 1)]
        # Where both have half they overlap.
        keep(name, fractional, high, affine, first=2, problems=["fractional-threshold"],
             fractions=[(stored[2:6, ..., n] / 200).ravel().tolist() for n in (0, 1)])

    # Label maps, 8 and 16 bits, native and RLE; the numbers are kept.
    oblique, turned = series(rotation(), None)
    for name, numbers, syntax in (
        ("labelmap", [1, 2, 3], ExplicitVRLittleEndian),
        ("labelmap-rle", [1, 7, 250], RLELossless),
        ("labelmap-16", [1, 300, 40000], ExplicitVRLittleEndian),
        ("labelmap-16-rle", [1, 300, 40000], RLELossless),
    ):
        values = np.array([0, *numbers], np.uint16 if numbers[2] > 255 else np.uint8)[labels]
        made = hd.seg.Segmentation(
            oblique, values, "LABELMAP", descriptions(numbers, colours=False), uid(), 2, uid(), 1, "Maker", "Model",
            "1", "serial", transfer_syntax_uid=syntax,
        )
        keep(name, made, [values[2:6]], turned, first=2)
    keep("oblique", segmentation(oblique, labels, "BINARY", three), [labels[2:6]], turned, first=2)

    # A picture without patient geometry.
    picture = copy.deepcopy(straight[0])
    for tag in ("ImagePositionPatient", "ImageOrientationPatient", "FrameOfReferenceUID", "PositionReferenceIndicator"):
        delattr(picture, tag)
    picture.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    picture.Modality = "CR"
    flat = segmentation([picture], labels[3:4], "BINARY", three)
    plain = np.diag([SPACING[1], SPACING[0], 1.0, 1.0])
    keep("picture", flat, [labels[3:4]], plain, problems=["no-patient-geometry"])

    # Damage: pixels cut off, a frame of no segment, more frames than descriptions.
    cut = copy.deepcopy(binary)
    cut.PixelData = cut.PixelData[:20]
    refuse("cut", cut)
    lost = copy.deepcopy(binary)
    del lost.PerFrameFunctionalGroupsSequence[0].SegmentIdentificationSequence
    refuse("no-segment", lost)
    claim = copy.deepcopy(binary)
    claim.NumberOfFrames = 100000
    refuse("many-frames", claim)

    with open(os.path.join(here, "expected.json"), "w") as file:
        json.dump(expected, file, separators=(",", ":"))


main()
