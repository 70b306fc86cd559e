"""Writes watershed.json: landscapes with plateaus and what scikit-image's watershed makes of them.

Markers have different heights, because nothing says which of two equal ones floods first.
"""

import json
import pathlib

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

random = np.random.default_rng(11)
cases = []
for shape in [(1, 1, 9), (1, 12, 17), (1, 20, 14), (5, 7, 6)]:
    noise = random.random(shape)
    smooth = ndimage.gaussian_filter(noise, [0 if n == 1 else 1 for n in shape])
    span = max(np.ptp(smooth), 1e-9)
    heights = np.floor((smooth - smooth.min()) / span * 8.99).astype(int)
    markers = np.zeros(shape, np.int32)
    for number, height in enumerate(random.permutation(9)[:4], 1):
        places = np.argwhere(heights == height)
        if len(places):
            markers[tuple(places[random.integers(len(places))])] = number
    mask = ndimage.gaussian_filter(random.random(shape), 0.7) > 0.42
    for connectivity in [1, 2, 3]:
        for chosen in [None, mask]:
            found = watershed(heights, markers, connectivity=connectivity, mask=chosen)
            cases.append({
                "size": list(shape[::-1]),
                "heights": "".join(map(str, heights.ravel())),
                "markers": "".join(map(str, markers.ravel())),
                "mask": None if chosen is None else "".join(map(str, chosen.astype(int).ravel())),
                "connectivity": {1: 6, 2: 18, 3: 26}[connectivity],
                "basins": "".join(map(str, found.ravel())),
            })
path = pathlib.Path(__file__).parent / "watershed.json"
path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
