"""Writes classical.json: small seeded images and what scikit-image makes of them."""

import json
import pathlib

import numpy as np
from scipy import ndimage as ndi
from skimage import filters, segmentation
from skimage.segmentation import morphsnakes

random = np.random.default_rng(20261127)


def blobs(shape, scale=2.0):
    """A smooth random image of mean 0 and deviation 1, rounded to what a file of six figures holds."""
    values = ndi.gaussian_filter(random.normal(size=shape), scale)
    values = (values - values.mean()) / values.std()
    values += 0.2 * random.normal(size=shape)
    values = (values - values.mean()) / values.std()
    return np.round(values, 5)


def flat(array):
    return [round(float(v), 6) for v in np.asarray(array).ravel()]


def digits(array):
    return "".join(str(int(v)) for v in np.asarray(array).ravel())


def size(array):
    shape = array.shape
    return [shape[-1], shape[-2], shape[0] if array.ndim == 3 else 1]


otsu = []
for classes, shape in [(2, (24, 20)), (3, (24, 20)), (4, (30, 22)), (5, (9, 14, 11))]:
    image = blobs(shape)
    centres = filters.threshold_multiotsu(image, classes=classes, nbins=256)
    half = (image.max() - image.min()) / 512
    otsu.append(
        {"size": size(image), "values": flat(image), "classes": classes, "thresholds": flat(centres + half)}
    )

walks = []
for shape, labels in [((24, 20), 2), ((24, 20), 3), ((8, 10, 9), 3)]:
    image = blobs(shape)
    seeds = np.zeros(shape, int)
    places = random.choice(image.size, size=4 * labels, replace=False)
    for index, place in enumerate(places):
        seeds.flat[place] = index % labels + 1
    probabilities = segmentation.random_walker(
        image, seeds, beta=130, mode="bf", return_full_prob=True
    )
    walks.append(
        {
            "size": size(image),
            "values": flat(image),
            "seeds": digits(seeds),
            "classes": labels,
            "probabilities": flat(probabilities),
        }
    )

contours = []
for shape, iterations, smoothing, balloon, threshold in [
    ((30, 26), 12, 1, 0, 0.5),
    ((30, 26), 10, 2, 1, 0.5),
    ((30, 26), 10, 1, -1, 0.55),
    ((12, 14, 13), 6, 1, 1, 0.5),
]:
    edges = 1 / np.sqrt(1 + 3 * ndi.gaussian_gradient_magnitude(blobs(shape, 3.0), 1.0))
    edges = np.round(edges * 256) / 256
    start = np.zeros(shape, np.int8)
    start[tuple(slice(n // 4, -(n // 4)) for n in shape)] = 1
    # The order of the smoothing operators is a global state.
    morphsnakes._curvop = morphsnakes._fcycle(
        [
            lambda u: morphsnakes.sup_inf(morphsnakes.inf_sup(u)),
            lambda u: morphsnakes.inf_sup(morphsnakes.sup_inf(u)),
        ]
    )
    end = segmentation.morphological_geodesic_active_contour(
        edges, iterations, start, smoothing=smoothing, threshold=threshold, balloon=balloon
    )
    contours.append(
        {
            "size": size(edges),
            "edges": [int(v) for v in (edges * 256).ravel()],
            "start": digits(start),
            "iterations": iterations,
            "smoothing": smoothing,
            "balloon": balloon,
            "threshold": threshold,
            "end": digits(end),
        }
    )

shape = (60, 64)
points = random.uniform(size=(14, 2)) * shape
rows, columns = np.mgrid[: shape[0], : shape[1]]
distance = [(rows - y) ** 2 + (columns - x) ** 2 for y, x in points]
truth = np.argmin(distance, axis=0)
levels = random.permutation(14) * 10.0
image = np.round(levels[truth] + 4 * random.normal(size=shape), 3)


def borders(labels):
    edge = np.zeros(labels.shape, bool)
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edge[:-1] |= labels[:-1] != labels[1:]
    return edge


best = None
for compactness in [0.01, 0.03, 0.1, 0.3, 1, 10]:
    regions = segmentation.slic(
        image, n_segments=80, compactness=compactness, channel_axis=None, start_label=1
    )
    near = ndi.binary_dilation(borders(regions), np.ones((3, 3)))
    recall = near[borders(truth)].mean()
    # The share of the image that its regions' borders cover: recall alone is bought by many borders.
    if best is None or recall > best["recall"]:
        best = {"recall": float(recall), "borders": float(borders(regions).mean()), "regions": int(regions.max())}
regions = {"size": size(image), "values": flat(image), "truth": [int(v) for v in truth.ravel()], **best}

path = pathlib.Path(__file__).parent / "classical.json"
path.write_text(
    json.dumps({"otsu": otsu, "walks": walks, "contours": contours, "superpixels": regions})
    + "\n"
)
print(best, path.stat().st_size)
