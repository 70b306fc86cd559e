"""Writes what torchvision computes for aligned regions: operations-regions.safetensors in this folder.

Run with Python 3, PyTorch 2, torchvision and safetensors: python generate_regions.py
The names are those of the tests' catalogue; see generate.py for the format. All computations run in
double precision on the processor and are rounded to single precision at the end.
"""

import sys

import torch
import torchvision.extension
from torchvision.ops import roi_align

import generate
from generate import operation


def with_border(interpolate):
    """The compiled `roi_align` reads 0 more than one cell outside the map; the one in Python does not."""

    def interpolated(x, images, ys, xs, ymask, xmask):
        def inside(places, size):
            return ((places >= -1) & (places <= size)).to(x.dtype)

        down = inside(ys, x.shape[2])[:, None, :, None, :, None]
        across = inside(xs, x.shape[3])[:, None, None, :, None, :]
        return interpolate(x, images, ys, xs, ymask, xmask) * down * across

    return interpolated


if not torchvision.extension._has_ops():
    # The package's name is that of the function, too.
    module = sys.modules["torchvision.ops.roi_align"]
    module._bilinear_interpolate = with_border(module._bilinear_interpolate)

# Image, left, upper, right and lower edge, in single precision as the program takes them.
REGIONS = torch.tensor(
    [
        [1, 1.3, 0.7, 9.1, 7.9],
        [0, -3.7, 2.2, 5.4, 25.6],
        [1, 14.3, 10.1, 14.9, 10.7],
        [0, 6.6, 3.1, 60.3, 41.7],
        [0, 0, 0, 17.9, 13.9],
    ],
    dtype=torch.float32,
).double()


def main():
    for ending, shape in (("", [2, 5, 7, 9]), ("-blocks", [2, 24, 7, 9])):
        for ratio in (0, 2):
            for aligned in (False, True):
                operation(
                    f"roi-align-{ratio}{'-aligned' if aligned else ''}{ending}",
                    [shape],
                    lambda x, r=ratio, a=aligned: roi_align(x, REGIONS, (3, 4), 0.5, r, a),
                )
    generate.save("operations-regions", generate.OPERATIONS)


if __name__ == "__main__":
    main()
