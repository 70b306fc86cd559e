"""Random mask pairs and what other programs make of them: masks.json (see README.md).

    python generate.py                 writes masks.json
    python generate.py --real OUT DATA writes the same for label maps below the folder DATA
"""

import base64
import json
import sys
import warnings
from pathlib import Path

import cc3d
import numpy as np
import scipy.ndimage as ndi
import SimpleITK as sitk
import torch
from medpy.metric import binary as medpy
from monai.metrics import (
    compute_average_surface_distance,
    compute_hausdorff_distance,
    compute_surface_dice,
)
from panoptica import (
    ConnectedComponentsInstanceApproximator,
    InputType,
    NaiveThresholdMatching,
    Panoptica_Evaluator,
)
from skimage.measure import euler_number
from skimage.morphology import skeletonize

# surface-distance 0.1 uses names that newer numpy and scipy have dropped.
np.Inf = np.inf
for module in ("filters", "morphology"):
    if not hasattr(ndi, module):
        setattr(ndi, module, ndi)
import surface_distance  # noqa: E402

warnings.filterwarnings("ignore")
# MedPy's distances from one border to another; its own hd95 pools both directions.
directed = getattr(medpy, "__surface_distances")
TWENTY_SIX = np.ones((3, 3, 3), int)
panoptica = Panoptica_Evaluator(
    expected_input=InputType.SEMANTIC,
    instance_approximator=ConnectedComponentsInstanceApproximator(),
    instance_matcher=NaiveThresholdMatching(),
    log_times=False,
    verbose=False,
)


def pack(mask):
    return base64.b64encode(np.packbits(mask.ravel(), bitorder="little").tobytes()).decode()


def border(mask):
    return mask & ~ndi.binary_erosion(mask)


def betti(mask):
    padded = np.pad(mask, 1)
    pieces = ndi.label(padded, TWENTY_SIX)[1]
    cavities = ndi.label(~padded)[1] - 1
    return pieces, pieces + cavities - int(euler_number(padded, connectivity=3)), cavities


def centreline_dice(p, r):
    flat = p.shape[0] == 1
    lines = [skeletonize(m[0] if flat else m, method="lee") > 0 for m in (p, r)]
    lines = [line[None] if flat else line for line in lines]
    if not all(line.any() for line in lines):
        return None, lines[0]
    precision = (lines[0] & r).sum() / lines[0].sum()
    sensitivity = (lines[1] & p).sum() / lines[1].sum()
    both = precision + sensitivity
    return (2 * precision * sensitivity / both if both else 0.0), lines[0]


def lesions(p, r):
    """The rule of the ISLES 2022 challenge: any common voxel counts."""
    found, found_count = cc3d.connected_components(p, connectivity=26, return_N=True)
    true, true_count = cc3d.connected_components(r, connectivity=26, return_N=True)
    hit = len(np.unique(true[p & r]))
    false = found_count - len(np.unique(found[p & r]))
    f1 = 2 * hit / (2 * hit + false + true_count - hit) if found_count + true_count else None
    return f1, (hit / true_count if true_count else None), false


def panoptic(p, r):
    result = panoptica.evaluate(p.astype(np.uint8), r.astype(np.uint8), verbose=False)
    result = next(iter(result.values())) if isinstance(result, dict) else result
    return result.pq, (result.sq if result.tp else None), result.rq


def surfaces(p, r, spacing, tolerance):
    """By MedPy, MONAI and SimpleITK, which must agree where they mean the same."""
    flat = p.shape[0] == 1
    sampling = spacing[1:] if flat else spacing
    a, b = (p[0], r[0]) if flat else (p, r)
    one = lambda m: torch.from_numpy(m.astype(np.float32))[None, None]  # noqa: E731
    options = {"include_background": True, "spacing": list(sampling)}
    expected = {
        "hd": medpy.hd(a, b, sampling),
        "hd95Pooled": medpy.hd95(a, b, sampling),
        "assd": medpy.assd(a, b, sampling),
        "masd": (medpy.asd(a, b, sampling) + medpy.asd(b, a, sampling)) / 2,
        "hd95": max(np.percentile(directed(*pair, sampling), 95) for pair in ((a, b), (b, a))),
        "nsd": float(
            compute_surface_dice(one(a), one(b), class_thresholds=[tolerance], **options)
        ),
    }
    monai = {
        "hd": compute_hausdorff_distance(one(a), one(b), **options),
        # In single precision, also the place between two distances.
        "hd95": compute_hausdorff_distance(one(a), one(b), percentile=95, **options),
        "assd": compute_average_surface_distance(one(a), one(b), symmetric=True, **options),
    }
    for key, value in monai.items():
        assert np.isclose(expected[key], float(value), rtol=2e-5), (key, expected[key], value)
    images = [sitk.GetImageFromArray(border(m).astype(np.uint8)) for m in (a, b)]
    for image in images:
        image.SetSpacing([float(s) for s in sampling[::-1]])
    contour = sitk.HausdorffDistanceImageFilter()
    contour.Execute(*images)
    assert np.isclose(contour.GetHausdorffDistance(), expected["hd"])
    elements = surface_distance.compute_surface_distances(b, a, sampling)
    expected["nsdSurface"] = surface_distance.compute_surface_dice_at_tolerance(elements, tolerance)
    bands = [
        m & (ndi.distance_transform_edt(~border(m), sampling) <= tolerance) for m in (a, b)
    ]
    expected["boundaryIoU"] = (bands[0] & bands[1]).sum() / (bands[0] | bands[1]).sum()
    return expected


def evaluate(p, r, spacing, tolerance, kind):
    """Arrays are (z, y, x), and so is the spacing."""
    case = {
        "kind": kind,
        "size": list(p.shape[::-1]),
        "spacing": list(spacing[::-1]),
        "toleranceMM": tolerance,
        "prediction": pack(p),
        "reference": pack(r),
    }
    expected = {"dice": medpy.dc(p, r), "iou": medpy.jc(p, r) if (p | r).any() else None}
    if p.any() and r.any():
        expected |= {
            "sensitivity": medpy.recall(p, r),
            "precision": medpy.precision(p, r),
            "specificity": None if r.all() else medpy.specificity(p, r),
            "relativeVolumeDifference": medpy.ravd(p, r),
            "volumePredictionML": p.sum() * np.prod(spacing) / 1000,
        }
        overlap = sitk.LabelOverlapMeasuresImageFilter()
        overlap.Execute(*[sitk.GetImageFromArray(m.astype(np.uint8)) for m in (p, r)])
        expected["volumeSimilarity"] = 1 - abs(overlap.GetVolumeSimilarity()) / 2
        assert np.isclose(overlap.GetDiceCoefficient(), expected["dice"])
        expected |= surfaces(p, r, spacing, tolerance)
        expected["clDice"], line = centreline_dice(p, r)
        if kind in ("vessels", "noise", "flat"):
            case["centreline"] = pack(line)
        expected["pq"], expected["sq"], expected["rq"] = panoptic(p, r)
    if p.any() or r.any():
        values = lesions(p, r)
        expected |= dict(zip(("lesionF1", "lesionSensitivity", "lesionFalsePositives"), values))
        for key, a, b in zip(("betti0", "betti1", "betti2"), betti(p), betti(r)):
            expected[key] = abs(a - b)
    assert all(v is None or np.isfinite(v) for v in expected.values())
    case["expected"] = {k: None if v is None else float(v) for k, v in expected.items()}
    return case


def blob(random, shape, radius, centre=None):
    """A ball with a rough surface."""
    centre = [random.uniform(0.3 * n, 0.7 * n) for n in shape] if centre is None else centre
    grid = np.indices(shape)
    away = np.sqrt(sum(((g - c) / q) ** 2 for g, c, q in zip(grid, centre, radius)))
    return away + 0.6 * ndi.gaussian_filter(random.normal(size=shape), 1.2) < 1


def vessels(random, shape):
    """Random walks, made thicker."""
    mask = np.zeros(shape, bool)
    for _ in range(3):
        at = np.array([random.integers(2, n - 2) for n in shape])
        step = random.normal(size=3)
        for _ in range(25):
            step = step + 0.6 * random.normal(size=3)
            at = np.clip(at + step / np.linalg.norm(step), 1, np.array(shape) - 2)
            mask[tuple(at.astype(int))] = True
    return ndi.binary_dilation(mask, iterations=int(random.integers(1, 3)))


def pair(random, kind):
    spacing = (1.0, 1.0, 1.0)
    shape = tuple(int(n) for n in random.integers(10, 20, 3))
    if kind in ("anisotropic", "lesions", "vessels"):
        spacing = tuple(round(float(s), 3) for s in random.uniform(0.4, 3, 3))
    if kind == "flat":
        shape = (1, *(int(n) for n in random.integers(16, 40, 2)))
        spacing = (5.0, 0.7, 1.3)
    if kind in ("isotropic", "anisotropic"):
        radius = [random.uniform(0.2 * n, 0.35 * n) for n in shape]
        p, r = blob(random, shape, radius), blob(random, shape, radius)
    elif kind == "border":
        radius = [0.5 * n for n in shape]
        p = blob(random, shape, radius, [0, shape[1] / 2, shape[2]])
        r = blob(random, shape, radius, [2, shape[1] / 2, shape[2] - 3])
    elif kind == "tiny":
        p, r = np.zeros(shape, bool), np.zeros(shape, bool)
        for mask in (p, r):
            for _ in range(random.integers(1, 4)):
                mask[tuple(random.integers(0, n) for n in shape)] = True
    elif kind == "lesions":
        field = ndi.gaussian_filter(random.normal(size=shape), 1.1)
        other = field + 0.06 * ndi.gaussian_filter(random.normal(size=shape), 0.8)
        limit = np.quantile(field, 0.9)
        p, r = other > limit, field > limit
    elif kind == "vessels":
        r = vessels(random, shape)
        p = r & (ndi.gaussian_filter(random.normal(size=shape), 1) > -0.25)
        p |= vessels(random, shape) & (random.random(shape) < 0.5)
    elif kind == "noise":
        shape = tuple(int(n) for n in random.integers(5, 9, 3))
        p, r = random.random(shape) < 0.45, random.random(shape) < 0.45
    elif kind == "shell":
        radius = [0.4 * n for n in shape]
        full = blob(random, shape, radius, [n / 2 for n in shape])
        r = full & ~ndi.binary_erosion(full, iterations=2)
        p = np.roll(full, 1, 1)
    elif kind == "sheet":
        p, r = np.zeros(shape, bool), np.zeros(shape, bool)
        p[shape[0] // 3], r[shape[0] // 2] = True, True
    elif kind == "flat":
        radius = [1.0, 0.3 * shape[1], 0.3 * shape[2]]
        p, r = (blob(random, shape, radius, [0, *[n / 2 + d for n in shape[1:]]]) for d in (0, 3))
    elif kind == "full":
        p, r = np.ones(shape, bool), random.random(shape) < 0.97
    else:
        p, r = np.zeros(shape, bool), np.zeros(shape, bool)
        if kind == "missed":
            r = blob(random, shape, [3, 3, 3])
        if kind == "false":
            p = blob(random, shape, [3, 3, 3])
    return p, r, spacing


KINDS = {
    "isotropic": 30, "anisotropic": 40, "border": 20, "tiny": 25, "lesions": 30, "vessels": 25,
    "noise": 15, "shell": 8, "sheet": 3, "flat": 15, "full": 2, "missed": 3, "false": 3, "empty": 2,
}


def synthetic():
    cases = []
    for number, (kind, count) in enumerate(KINDS.items()):
        for index in range(count):
            random = np.random.default_rng([20, number, index])
            p, r, spacing = pair(random, kind)
            # Between lattice distances, where rounding decides nothing.
            tolerance = round(float(random.choice([0.53, 1.07, 1.61, 2.57])), 2)
            cases.append(evaluate(p, r, spacing, tolerance, kind))
    return cases


def real(folder):
    """Each structure against itself moved and eroded, and against its neighbours in the list of files."""
    cases = []
    for path in sorted(Path(folder).rglob("*.nii.gz")):
        image = sitk.ReadImage(str(path))
        if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
            continue
        labels = sitk.GetArrayFromImage(image)
        if labels.size > 4e6 or not np.array_equal(labels, np.round(labels)):
            continue
        values = [v for v in np.unique(labels) if v > 0][:4]
        if len(np.unique(labels)) > 60:
            continue
        spacing = tuple(float(s) for s in image.GetSpacing()[::-1])
        for value in values:
            r = labels == value
            moved = np.roll(r, (1, -1, 2), (0, 1, 2))
            p = moved if len(cases) % 2 else ndi.binary_opening(moved)
            if p.any():
                cases.append(evaluate(p, r, spacing, 1.03, f"{path.name} {value}"))
        if len(cases) > 120:
            break
    return cases


if __name__ == "__main__":
    if sys.argv[1:2] == ["--real"]:
        target, cases = Path(sys.argv[2]), real(sys.argv[3])
    else:
        target, cases = Path(__file__).with_name("masks.json"), synthetic()
    text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    target.write_text(f"[\n{text}\n]\n")
    print(len(cases), "cases,", target.stat().st_size, "bytes")
