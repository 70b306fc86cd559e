"""Writes the zip and DICOMDIR fixtures; run it with pydicom 3, numpy and the program zip.

Everything is synthetic. The archives hold the same four CT slices: value = 100 * slice + index.
"""

import io
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import zipfile

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.fileset import FileSet
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROOT = pathlib.Path(__file__).parent
ROWS, COLUMNS, SLICES = 3, 4, 4
EPOCH = (2024, 1, 1, 0, 0, 0)


def uid(*numbers):
    return ".".join(["1.2.826.0.1.3680043.8.498.78"] + [str(n) for n in numbers])


def slice_dataset(z):
    d = Dataset()
    d.SOPClassUID = CTImageStorage
    d.SOPInstanceUID = uid(3, z + 1)
    d.StudyInstanceUID = uid(1)
    d.SeriesInstanceUID = uid(2)
    d.FrameOfReferenceUID = uid(4)
    d.PatientID = "FIXTURE"
    d.PatientName = "Fixture^Archive"
    d.StudyDate, d.StudyTime, d.StudyID = "20240101", "120000", "1"
    d.Modality, d.SeriesNumber, d.InstanceNumber = "CT", 1, z + 1
    d.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    d.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    d.ImagePositionPatient = [0, 0, 2.0 * z]
    d.PixelSpacing, d.SliceThickness = [1, 1], 2
    d.Rows, d.Columns, d.SamplesPerPixel = ROWS, COLUMNS, 1
    d.PhotometricInterpretation = "MONOCHROME2"
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16, 15, 1
    d.RescaleSlope, d.RescaleIntercept = 1, 0
    d.PixelData = (np.arange(ROWS * COLUMNS, dtype="<i2") + 100 * z).tobytes()
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    d.file_meta.MediaStorageSOPClassUID = d.SOPClassUID
    d.file_meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID
    return d


def slice_bytes(z):
    stream = io.BytesIO()
    slice_dataset(z).save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def nifti_bytes(value):
    """A NIfTI-1 file of 2 x 2 x 2 bytes of one value, spacing 1 mm."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, 2, 2, 2, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 2, 8)
    struct.pack_into("<8f", header, 76, 1, 1, 1, 1, 1, 1, 1, 1)
    struct.pack_into("<fff", header, 108, 352, 1, 0)
    header[123] = 2
    struct.pack_into("<hh", header, 252, 0, 1)
    for row in range(3):
        struct.pack_into("<4f", header, 280 + 16 * row, *[float(row == c) for c in range(3)], 0)
    header[344:348] = b"n+1\0"
    return bytes(header) + bytes([value] * 8)


def pair_bytes(value):
    whole = bytearray(nifti_bytes(value))
    struct.pack_into("<f", whole, 108, 0)
    whole[344:348] = b"ni1\0"
    return bytes(whole[:348]), bytes(whole[352:])


def entry(name, mode=0o100644, method=zipfile.ZIP_DEFLATED):
    info = zipfile.ZipInfo(name, EPOCH)
    info.create_system = 3
    info.external_attr = mode << 16
    info.compress_type = method
    return info


def write(name, *files):
    with zipfile.ZipFile(ROOT / name, "w") as archive:
        for info, data in files:
            archive.writestr(info, data)


def main():
    dicom = [(entry(f"study/IM{z}"), slice_bytes(z)) for z in range(SLICES)]
    write(
        "dicom.zip",
        (entry("study/", 0o040755), b""),
        *dicom,
        (entry("__MACOSX/study/._IM0"), b"clutter"),
        (entry("study/notes.txt"), b"no image"),
    )
    write("nifti.zip", (entry("scan.nii", method=zipfile.ZIP_STORED), nifti_bytes(7)))
    write("several.zip", (entry("b/second.nii"), nifti_bytes(2)), (entry("a10.nii"), nifti_bytes(10)),
          (entry("a9.nii"), nifti_bytes(9)))
    header, voxels = pair_bytes(5)
    write("pair.zip", (entry("p/scan.img"), voxels), (entry("p/scan.hdr"), header))
    # Names that lead elsewhere, two entries of one name, and a link.
    write(
        "hostile.zip",
        (entry("../../escaped.nii"), nifti_bytes(1)),
        (entry("/tmp/absolute.nii"), nifti_bytes(2)),
        (entry("C:\\windows\\escaped.nii"), nifti_bytes(3)),
        (entry("twice.nii"), nifti_bytes(4)),
        (entry("twice.nii"), nifti_bytes(5)),
        (entry("link.nii", 0o120777), b"/etc/passwd"),
        (entry("bell\x07\x1b[31m.nii"), nifti_bytes(6)),
    )
    write("empty.zip")
    write("text.zip", (entry("notes.txt"), b"no image"), (entry("more.txt"), b"none"))
    # Thirty names for the same compressed bytes.
    write("bomb.zip", (entry("0.nii"), bytes(12 << 20)))
    whole = (ROOT / "bomb.zip").read_bytes()
    start, end = whole.rindex(b"PK\1\2"), whole.rindex(b"PK\5\6")
    directory = whole[start:end] * 30
    tail = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 30, 30, len(directory), start, 0)
    (ROOT / "bomb.zip").write_bytes(whole[:start] + directory + tail)

    # A byte of compressed data changed: the checksum tells.
    whole = bytearray((ROOT / "nifti.zip").read_bytes())
    place = whole.index(bytes([7] * 8))
    whole[place] = 8
    (ROOT / "checksum.zip").write_bytes(whole)
    # The directory claims more than the entry holds.
    whole = bytearray((ROOT / "nifti.zip").read_bytes())
    directory = whole.rindex(b"PK\1\2")
    struct.pack_into("<I", whole, directory + 24, 0x7FFFFFFF)
    (ROOT / "claims.zip").write_bytes(whole)
    struct.pack_into("<I", whole, directory + 24, 100)
    (ROOT / "hidden.zip").write_bytes(whole)
    (ROOT / "truncated.zip").write_bytes((ROOT / "dicom.zip").read_bytes()[:-40])
    # A damaged file inside a whole archive: its name must be told.
    write("damaged-member.zip", (entry("cut.nii"), nifti_bytes(1)[:-3]))

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "secret.nii"
        path.write_bytes(nifti_bytes(1))
        os.utime(path, (1704067200, 1704067200))
        (ROOT / "encrypted.zip").unlink(missing_ok=True)
        subprocess.run(["zip", "-q", "-X", "-j", "-P", "open", ROOT / "encrypted.zip", path], check=True)

    medium = ROOT / "medium"
    shutil.rmtree(medium, ignore_errors=True)
    files = FileSet()
    for z in range(SLICES):
        files.add(slice_dataset(z))
    files.ID = "FIXTURE"
    files.write(medium)


main()
