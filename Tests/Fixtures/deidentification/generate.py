"""Objects that hold marks wherever PS3.15 says that identity may lie (seeded; pydicom 3, numpy).

Run in this folder: python generate.py
"""

import pathlib
import re

import numpy as np
import pydicom
from pydicom.datadict import DicomDictionary, dictionary_VR
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian,
                         ImplicitVRLittleEndian, RLELossless)

pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE

TEXT, DATE, ROOT = "ZZTOPSECRET", "17760704", "1.2.826.0.1.777666555"
CT = "1.2.840.10008.5.1.4.1.1.2"
HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(5)


def listed():
  """The tags of the table in the sources."""
  table = HERE.parents[2] / "Sources/ImagingIO/DICOMDeidentificationTable.swift"
  text = table.read_text().split("MARK: - Options")[0]
  tags = []
  for group, elements in re.findall(r"^ +([0-9A-F]{4}): ([0-9A-F ]+)$", text, re.M):
    tags += [int(group + element, 16) for element in elements.split()]
  return tags


def mark(vr, number):
  if vr in ("PN", "LO", "SH", "ST", "LT", "UT", "UC", "AE", "CS"):
    return TEXT
  if vr == "UR":
    return "http://" + TEXT
  if vr == "DA":
    return DATE
  if vr == "DT":
    return DATE + "101112"
  if vr == "TM":
    return "101112.777666"
  if vr == "UI":
    return f"{ROOT}.{number}"
  if vr in ("OB", "UN"):
    return (TEXT + " ").encode()
  if vr == "OW":
    return b"ZZTOPSECRET "
  if vr in ("AS", "DS", "IS"):
    return {"AS": "077Y", "DS": "77.25", "IS": "77"}[vr]
  return None


def fill(ds, tags, depth=0):
  for tag in tags:
    group = tag >> 16
    if group in (0x0000, 0x0002, 0x0004, 0x7FE0) or group >= 0xFFFA or tag in ds:
      continue
    try:
      vr = dictionary_VR(tag).split(" ")[0]
    except KeyError:
      vr = "LO"
    if vr == "SQ":
      if depth == 0:
        item = Dataset()
        fill(item, [0x00100010, 0x00080104, 0x0040A160, 0x00080022, 0x00081155, 0x00080080], 1)
        ds.add_new(tag, "SQ", Sequence([item]))
      continue
    value = mark(vr, tag)
    if value is not None:
      ds.add_new(tag, vr, value)


def image(uid, shape=(16, 16), kind=CT, modality="CT"):
  meta = FileMetaDataset()
  meta.MediaStorageSOPClassUID = kind
  meta.MediaStorageSOPInstanceUID = uid
  meta.ImplementationClassUID = "1.2.3.4.5"
  meta.TransferSyntaxUID = ExplicitVRLittleEndian
  ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
  ds.SOPClassUID = kind
  ds.SOPInstanceUID = uid
  ds.Modality = modality
  ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
  ds.Manufacturer = "Synthetic"
  ds.Rows, ds.Columns = shape
  ds.SamplesPerPixel = 1
  ds.PhotometricInterpretation = "MONOCHROME2"
  ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
  ds.ImagePositionPatient = [0, 0, 0]
  ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
  ds.PixelSpacing = [1, 1]
  ds.SliceThickness = 1
  ds.RescaleIntercept, ds.RescaleSlope = -1024, 1
  ds.KVP = 120
  ds.PixelData = rng.integers(0, 3000, shape, dtype=np.uint16).tobytes()
  return ds


def adversarial():
  ds = image(ROOT + ".1")
  ds.preamble = (TEXT.encode() * 12)[:128]
  ds.file_meta.SourceApplicationEntityTitle = TEXT
  ds.file_meta.ImplementationVersionName = TEXT
  ds.file_meta.PrivateInformationCreatorUID = ROOT + ".2"
  ds.file_meta.PrivateInformation = TEXT.encode() + b"\0"
  tags = listed()
  fill(ds, tags)
  # What the table leaves open but may hold anything.
  open_types = {"PN", "LT", "ST", "UT", "UC", "UR", "AE", "DA", "DT", "UI"}
  fill(ds, [t for t, e in DicomDictionary.items() if e[0] in open_types and not e[3] and t >= 0x00080000
            and t not in (0x00080016, 0x00080119, 0x0008001A, 0x0008001B, 0x00080062, 0x00081150)])
  for group in (0x5000, 0x6000, 0x6002):
    ds.add_new(group << 16 | 0x0010, "US", 16)
    ds.add_new(group << 16 | 0x0022, "LO", TEXT)
    ds.add_new(group << 16 | 0x3000, "OW", b"ZZTOPSECRET ")
    ds.add_new(group << 16 | 0x4000, "LT", TEXT)
  block = ds.private_block(0x0009, TEXT, create=True)
  block.add_new(0x01, "LO", TEXT)
  nested = Dataset()
  nested.PatientName = TEXT
  block.add_new(0x02, "SQ", Sequence([nested]))
  block.add_new(0x03, "UN", TEXT.encode() + b" ")
  # Unknown elements of even groups, and numbers that are none.
  ds.add_new(0x00180FFE, "UN", TEXT.encode() + b" ")
  ds.add_new(0x00100FFE, "LO", TEXT)
  ds.add_new(0x00180060, "LO", TEXT)
  # A sequence that stays, with protected elements two levels down and a private block in it.
  inner = Dataset()
  inner.PatientName = TEXT
  inner.PatientID = TEXT
  inner.AccessionNumber = TEXT
  inner.ReferencedSOPInstanceUID = ROOT + ".7"
  inner.private_block(0x0011, TEXT, create=True).add_new(0x01, "LT", TEXT)
  outer = Dataset()
  outer.InstitutionName = TEXT
  outer.ReferencedSeriesSequence = Sequence([inner])
  ds.ReferencedInstanceSequence = Sequence([outer])
  # Elements that stay, repeating the patient's name and identifier.
  ds.PatientName = "Zztopsecret^Zorro"
  ds.PatientID = TEXT
  ds.Manufacturer = "for " + TEXT
  ds.BodyPartExamined = TEXT
  ds.add_new(0xFFFCFFFC, "OB", TEXT.encode() + b" ")
  return ds


def write(ds, name, syntax):
  if syntax == RLELossless:
    ds.compress(RLELossless, generate_instance_uid=False)
  ds.file_meta.TransferSyntaxUID = syntax
  pydicom.dcmwrite(HERE / name, ds, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian,
                   enforce_file_format=True, overwrite=True)


def swapped(ds):
  ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
  for tag in [t for t in ds.keys() if ds[t].VR == "OW" and t != 0x7FE00010]:
    ds[tag].value = np.frombuffer(ds[tag].value, "<u2").astype(">u2").tobytes()
  return ds


def study():
  days = {"one": ("20200228", "20200229"), "two": ("20200330", "20200331")}
  for name, (first, second) in days.items():
    ds = image(f"{ROOT}.10.{name == 'two':d}")
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Mark^Ann", "MARK-0001", "19300101", "F"
    ds.PatientAge, ds.PatientWeight = "095Y", 61.5
    ds.StudyInstanceUID = f"{ROOT}.20.{name == 'two':d}"
    ds.SeriesInstanceUID = f"{ROOT}.21.{name == 'two':d}"
    ds.FrameOfReferenceUID = ROOT + ".22"
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = first
    ds.StudyTime, ds.AcquisitionDateTime = "101500.25", second + "101600.5+0100"
    ds.InstitutionName, ds.StationName, ds.DeviceSerialNumber = "North Hospital", "MARKCT01", "SN4711"
    ds.StudyDescription, ds.SeriesDescription = "Chest CT for Dr Mark", "Thorax 1.5 mm soft tissue"
    ds.AccessionNumber, ds.StudyID, ds.ReferringPhysicianName = "ACC0001", "ST1", "Doe^J"
    ds.PositionReferenceIndicator, ds.SeriesNumber, ds.InstanceNumber = "", 3, 1
    write(ds, f"study-{name}.dcm", ExplicitVRLittleEndian)
  # A structure set without pixels that points to the first image.
  ds = image(ROOT + ".11", kind="1.2.840.10008.5.1.4.1.1.481.3", modality="RTSTRUCT")
  for keyword in ("PixelData", "Rows", "Columns", "KVP"):
    delattr(ds, keyword)
  ds.PatientName, ds.PatientID = "Mark^Ann", "MARK-0001"
  ds.StudyInstanceUID, ds.SeriesInstanceUID = ROOT + ".20.0", ROOT + ".23"
  ds.StudyDate, ds.StructureSetDate = "20200228", "20200301"
  image_item = Dataset()
  image_item.ReferencedSOPClassUID, image_item.ReferencedSOPInstanceUID = CT, ROOT + ".10.0"
  frame = Dataset()
  frame.FrameOfReferenceUID = ROOT + ".22"
  frame.RTReferencedStudySequence = Sequence([image_item])
  ds.ReferencedFrameOfReferenceSequence = Sequence([frame])
  write(ds, "study-structures.dcm", ImplicitVRLittleEndian)


def pictures():
  shapes = ["111101101111", "010010010010", "111001111100", "101111001001", "111100111001"]
  for name, drawn in (("text", True), ("blob", False)):
    ds = image(f"{ROOT}.30.{drawn:d}", (64, 64), "1.2.840.10008.5.1.4.1.1.4", "MR")
    pixels = rng.integers(0, 900, (64, 64), dtype=np.uint16)
    pixels[30:44, 20:40] = 4095
    if drawn:
      for place, shape in enumerate(shapes):
        letter = np.array(list(shape), int).reshape(4, 3)
        letter = np.kron(letter, np.ones((2, 2), int))
        pixels[4:12, 4 + 9 * place:10 + 9 * place][letter == 1] = 4095
    ds.PixelData = pixels.tobytes()
    ds.PatientID = "MARK-0002"
    ds.PatientName = "Mark^Bob"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = ROOT + ".31", ROOT + ".32"
    write(ds, f"{name}.dcm", ExplicitVRLittleEndian)
  ds = image(ROOT + ".33", kind="1.2.840.10008.5.1.4.1.1.7", modality="OT")
  ds.PatientName, ds.PatientID = "Mark^Bob", "MARK-0002"
  write(ds, "capture.dcm", ExplicitVRLittleEndian)


if __name__ == "__main__":
  for name, syntax in (("explicit", ExplicitVRLittleEndian), ("implicit", ImplicitVRLittleEndian),
                       ("deflated", DeflatedExplicitVRLittleEndian), ("rle", RLELossless)):
    write(adversarial(), f"marked-{name}.dcm", syntax)
  write(swapped(adversarial()), "marked-big.dcm", ExplicitVRBigEndian)
  study()
  pictures()
