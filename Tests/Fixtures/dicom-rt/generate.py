"""Writes an oblique CT series and structure sets on it; run with pydicom 3, numpy,
rt-utils 1.2, highdicom 0.28.

Everything is synthetic. The masks are drawn here; what a reader must find is stored as bytes, slice
by slice, row by row (`*.mask`), one label a voxel.
"""

import pathlib
import shutil

import numpy as np
import pydicom
import rt_utils
from highdicom import sr
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RTStructureSetStorage

ROOT = pathlib.Path(__file__).parent
SIZE, SLICES = 24, 4
SPACING = (1.1, 1.1)  # rows first, mm; rt-utils takes pixels to be square
GAP = 2.5
random = np.random.default_rng(20240711)


def uid(*numbers):
    return ".".join(["1.2.826.0.1.3680043.8.498.78"] + [str(n) for n in numbers])


def rotation():
    """Turned by 20 degrees about z, then 15 about x."""
    a, b = np.radians(20), np.radians(15)
    z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return x @ z


DIRECTION = rotation()
ORIGIN = np.array([-37.25, 12.5, 105.75])


def position(x, y, z):
    return ORIGIN + DIRECTION @ np.array([x * SPACING[1], y * SPACING[0], z * GAP])


def decimals(values, digits=6):
    return [f"{v:.{digits}f}".rstrip("0").rstrip(".") for v in values]


def save(d, path):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = d.SOPClassUID
    meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID
    meta.ImplementationClassUID = uid(0)
    d.file_meta = meta
    path.parent.mkdir(parents=True, exist_ok=True)
    d.save_as(path, enforce_file_format=True)


def series():
    folder = ROOT / "series"
    shutil.rmtree(folder, ignore_errors=True)
    for k in range(SLICES):
        d = Dataset()
        d.SpecificCharacterSet = "ISO_IR 192"
        d.SOPClassUID = CTImageStorage
        d.SOPInstanceUID = uid(2, k + 1)
        d.StudyInstanceUID = uid(1)
        d.SeriesInstanceUID = uid(2)
        d.FrameOfReferenceUID = uid(3)
        d.StudyDate, d.StudyTime, d.StudyID = "20240711", "101112", "1"
        d.SeriesDate, d.SeriesTime = d.StudyDate, d.StudyTime
        d.ContentDate, d.ContentTime = d.StudyDate, d.StudyTime
        d.AccessionNumber, d.ReferringPhysicianName = "", ""
        d.Modality, d.Manufacturer = "CT", "Fixtures"
        d.PatientName, d.PatientID = "Sample^Fixture", "FIXTURE"
        d.PatientBirthDate, d.PatientSex = "", "O"
        d.PositionReferenceIndicator = ""
        d.SeriesNumber, d.AcquisitionNumber, d.InstanceNumber = 2, 1, k + 1
        d.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        d.KVP = "120"
        d.SliceThickness = str(GAP)
        d.ImagePositionPatient = decimals(position(0, 0, k))
        d.ImageOrientationPatient = decimals(list(DIRECTION[:, 0]) + list(DIRECTION[:, 1]))
        d.PixelSpacing = [str(v) for v in SPACING]
        d.Rows = d.Columns = SIZE
        d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
        d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 12, 11, 0
        d.RescaleSlope, d.RescaleIntercept, d.RescaleType = "1", "-1024", "HU"
        d.PixelData = random.integers(0, 2000, (SIZE, SIZE), dtype=np.uint16).tobytes()
        d["PixelData"].VR = "OW"
        save(d, folder / f"{k + 1}.dcm")


def shapes():
    """Two structures that overlap: a ball with a hole and an island, and noise with thin lines."""
    z, y, x = np.mgrid[0:SLICES, 0:SIZE, 0:SIZE]
    radius = np.hypot(x - 11, y - 12)
    ball = ((radius < 9.5) & (radius > 5.2)) | (radius < 2.5)
    ball[3] = radius[3] < 4
    thin = np.zeros_like(ball)
    for k in range(SLICES - 1):
        thin[k, 3, 2:20] = True
        thin[k, np.arange(5, 20), np.arange(4, 19)] = True
        thin[k, 22, 22] = True
        thin[k, 14:21, 15:22] = True
        thin[k, 16, 17 + k] = False
    return ball, thin


def labels(ball, thin):
    """Two layers, as the structures overlap."""
    return np.stack([ball * 1, thin * 2]).astype(np.uint8)


def rt_utils_file():
    """As rt-utils writes it: points on the centres of border pixels, holes as contours of their own."""
    ball, thin = shapes()
    rt = rt_utils.RTStructBuilder.create_new(dicom_series_path=str(ROOT / "series"))
    for name, mask, color in [("ring", ball, [10, 200, 30]), ("thin", thin, [250, 0, 1])]:
        rt.add_roi(mask=np.moveaxis(mask, 0, 2), color=color, name=name)
    rt.ds.SOPInstanceUID = rt.ds.file_meta.MediaStorageSOPInstanceUID = uid(4, 1)
    rt.ds.SeriesInstanceUID = uid(4)
    rt.save(str(ROOT / "rt-utils.dcm"))
    labels(ball, thin).tofile(ROOT / "rt-utils.mask")


def contour(kind, points, instance=None):
    c = Dataset()
    c.ContourGeometricType = kind
    c.NumberOfContourPoints = len(points)
    c.ContourData = [v for p in points for v in decimals(position(*p), 4)]
    if instance:
        image = Dataset()
        image.ReferencedSOPClassUID = CTImageStorage
        image.ReferencedSOPInstanceUID = instance
        c.ContourImageSequence = Sequence([image])
    return c


def square(a, b, z, turn=1):
    return [(a, a, z), (b, a, z), (b, b, z), (a, b, z)][::turn]


def planning_file(name, frame, regions):
    d = Dataset()
    d.SpecificCharacterSet = "ISO_IR 100"
    d.SOPClassUID = RTStructureSetStorage
    d.SOPInstanceUID = uid(5, len(name))
    d.StudyInstanceUID, d.SeriesInstanceUID = uid(1), uid(5)
    d.Modality, d.StructureSetLabel = "RTSTRUCT", "plan"
    d.PatientName, d.PatientID = "Sample^Fixture", "FIXTURE"
    d.StructureSetROISequence, d.ROIContourSequence = Sequence(), Sequence()
    d.RTROIObservationsSequence = Sequence()
    for number, title, color, contours in regions:
        roi = Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, title, frame
        d.StructureSetROISequence.append(roi)
        drawn = Dataset()
        drawn.ReferencedROINumber = number
        if color:
            drawn.ROIDisplayColor = color
        if contours:
            drawn.ContourSequence = Sequence(contours)
        d.ROIContourSequence.append(drawn)
        observation = Dataset()
        observation.ObservationNumber = observation.ReferencedROINumber = number
        observation.RTROIInterpretedType, observation.ROIInterpreter = "ORGAN", ""
        if number == 7:
            code = Dataset()
            code.CodeValue, code.CodingSchemeDesignator = "10200004", "SCT"
            code.CodeMeaning = "Liver"
            observation.RTROIIdentificationCodeSequence = Sequence([code])
        d.RTROIObservationsSequence.append(observation)
    save(d, ROOT / f"{name}.dcm")


def planning_files():
    """What planning systems write, drawn by hand; the expected labels follow from the numbers."""
    keyhole = square(2.5, 12.5, 0) + [(2.5, 2.5, 0), (5.5, 5.5, 0)]
    keyhole += square(5.5, 9.5, 0, -1)[-1:] + square(5.5, 9.5, 0, -1)[:-1] + [(5.5, 5.5, 0)]
    planning_file(
        "planning",
        uid(3),
        [
            (
                7,
                "Foie é",
                [255, 128, 0],
                [
                    contour("CLOSED_PLANAR", keyhole, uid(2, 1)),
                    # An inner contour of its own, and the slice by position alone.
                    contour("CLOSED_PLANAR", square(2.5, 12.5, 1.1)),
                    contour("CLOSED_PLANAR", square(5.5, 9.5, 1.1)),
                    # Farther from slice 1 than the two above.
                    contour("CLOSED_PLANAR", square(0.5, 20.5, 1.4)),
                ],
            ),
            (
                3,
                "overlap",
                None,
                [
                    contour("CLOSED_PLANAR", square(10.5, 16.5, 0)),
                    contour("POINT", [(20, 20, 0)]),
                    contour("OPEN_PLANAR", square(1, 3, 2)),
                    contour("CLOSED_PLANAR", square(1, 3, 9)),
                    contour("CLOSED_PLANAR", [(1, 1, 0), (9, 1, 3), (9, 9, 3)]),
                ],
            ),
            (12, "empty", [0, 0, 255], []),
        ],
    )
    out = np.zeros((2, SLICES, SIZE, SIZE), np.uint8)
    for k in (0, 1):
        out[0, k, 3:13, 3:13] = 7
        out[0, k, 6:10, 6:10] = 0
    out[1, 0, 11:17, 11:17] = 3
    out.tofile(ROOT / "planning.mask")
    planning_file(
        "elsewhere", uid(99), [(1, "x", None, [contour("CLOSED_PLANAR", square(1, 3, 0))])]
    )
    planning_file("beside", uid(3), [(1, "x", None, [contour("CLOSED_PLANAR", square(1, 3, 9))])])


def report():
    """A measurement report as highdicom writes it."""
    slices = [pydicom.dcmread(ROOT / "series" / f"{k + 1}.dcm") for k in range(SLICES)]
    tracking = sr.TrackingIdentifier(uid=uid(6, 1), identifier="Lesion 1")
    segment = sr.ReferencedSegment(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.66.4",
        sop_instance_uid=uid(6, 2),
        segment_number=2,
        source_series=sr.SourceSeriesForSegmentation(uid(2)),
    )
    measurements = [
        sr.Measurement(name=codes.SCT.Volume, value=12.75, unit=codes.UCUM.CubicMillimeter),
        sr.Measurement(
            name=codes.DCM.AttenuationCoefficient,
            value=41.5,
            unit=codes.UCUM.HounsfieldUnit,
            derivation=codes.SCT.Mean,
        ),
    ]
    group = sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking,
        referenced_segment=segment,
        finding_type=sr.CodedConcept("52988006", "SCT", "Lesion"),
        measurements=measurements,
    )
    observer = sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(uid=uid(6, 3)),
    )
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion,
        imaging_measurements=[group],
    )
    fake = Dataset()
    fake.StudyInstanceUID, fake.SeriesInstanceUID = uid(1), uid(6)
    fake.SOPClassUID, fake.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.66.4", uid(6, 2)
    for tag in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID"):
        setattr(fake, tag, slices[0].get(tag))
    for tag in ("AccessionNumber", "ReferringPhysicianName", "StudyDate", "StudyTime"):
        setattr(fake, tag, slices[0].get(tag))
    document = sr.Comprehensive3DSR(
        evidence=[*slices, fake],
        content=content,
        series_instance_uid=uid(7),
        series_number=7,
        sop_instance_uid=uid(7, 1),
        instance_number=1,
        manufacturer="Fixtures",
    )
    document.save_as(ROOT / "highdicom-report.dcm")


series()
report()
rt_utils_file()
planning_files()
