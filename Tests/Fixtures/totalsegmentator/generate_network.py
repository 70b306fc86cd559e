"""Runs all of TotalSegmentator, nnU-Net too, with one of nnU-Net's fixtures (random weights) in the place of its own weights.

Needs what generate.py needs, and its scans. Run in this folder: python generate_network.py
"""
import os
import shutil
import tempfile
from pathlib import Path


def main():
    os.environ["TOTALSEG_HOME_DIR"] = home = tempfile.mkdtemp()
    import nibabel
    import numpy
    from totalsegmentator import python_api

    python_api.download_pretrained_weights = lambda *_: None
    python_api.send_usage_stats = lambda *_: None
    place = Path(home) / "nnunet/results/Dataset305_vertebrae_discs_1559subj"
    shutil.copytree("../nnunet/models/thick", place / "nnUNetTrainer_DASegOrd0__nnUNetPlans__3d_fullres")
    scan = nibabel.load("turned.nii.gz")
    result = python_api.totalsegmentator(scan, Path(home) / "labels.nii.gz", ml=True, task="vertebrae_body", quiet=True,
                                         device="cpu", nr_thr_resamp=1)
    labels = numpy.asanyarray(result.dataobj).astype(numpy.uint8)
    nibabel.save(nibabel.Nifti1Image(labels, scan.affine), "network.nii.gz")
    print(numpy.unique(labels, return_counts=True))


if __name__ == "__main__":
    main()
