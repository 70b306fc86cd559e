"""Writes filters.json: phantoms, and what scikit-image, scipy, dipy, Pillow, SimpleITK and bm3d make of them, for the tests
of Transforms/Restoration.

Needs numpy, scipy, scikit-image, dipy, pillow, SimpleITK and bm3d. Run in this folder: python generate.py
"""
import json
from importlib.metadata import version

import bm3d
import numpy
import SimpleITK
from dipy.denoise.gibbs import gibbs_removal
from PIL import Image
from scipy import ndimage
from skimage import restoration
from skimage.filters import threshold_otsu, unsharp_mask

random = numpy.random.default_rng(20261127)


def single(x):
    """Values of at most four decimals, so that the file is small and both sides read the same numbers."""
    return numpy.round(x, 4).astype(numpy.float32).astype(float)


def phantom(shape):
    """A ball with a brighter core and a bar, in arbitrary units."""
    grid = numpy.meshgrid(*[(numpy.arange(n) - (n - 1) / 2) / (n / 2) for n in shape], indexing="ij")
    radius = numpy.sqrt(sum(g * g for g in grid))
    x = numpy.where(radius < 0.85, 100.0, 10.0)
    x[radius < 0.4] = 160
    x[(abs(grid[-1]) < 0.12) & (radius < 0.85)] = 60
    return x


images, cases = {}, []


def image(name, x):
    images[name] = {"size": (list(x.shape[::-1]) + [1])[:3], "values": [float(v) for v in x.ravel()]}


def add(filter, image, y, size=None, **parameters):
    """Arrays are z, y, x or y, x; the file has x first."""
    case = {"filter": filter, "image": image, "parameters": parameters, "expected": [float(f"{v:.6g}") for v in y.ravel()]}
    if size is not None:
        case["size"] = size
    cases.append(case)


sigma = 12.0
clean2, clean3 = phantom((26, 31)), phantom((9, 13, 15))
flat = single(clean2 + random.normal(0, sigma, clean2.shape))
solid = single(clean3 + random.normal(0, sigma, clean3.shape))
image("flat", flat)
image("solid", solid)


def means(x, h, patch, search, before=None):
    """Non-local means; patches reach from `before` (or `patch`) voxels before to `patch` after the voxel."""
    pad = patch + search + 1
    y = numpy.pad(x, pad, mode="reflect")
    inner = tuple(slice(pad, pad + n) for n in x.shape)
    top, bottom = numpy.zeros_like(x), numpy.zeros_like(x)
    for place in numpy.ndindex(*[2 * search + 1] * x.ndim):
        shift = [search - k for k in place]
        z = numpy.roll(y, shift, range(x.ndim))
        d = (y - z) ** 2 - 2 * sigma**2
        for axis in range(x.ndim):
            d = sum(numpy.roll(d, -k, axis) for k in range(-(patch if before is None else before), patch + 1))
        d = numpy.maximum(d, 0) / ((h * sigma) ** 2 * (2 * patch + 1) ** x.ndim)
        w = numpy.where(d > 5, 0, numpy.exp(-d)) if any(shift) else numpy.ones_like(d)
        top, bottom = top + (w * z)[inner], bottom + w[inner]
    return top / bottom


for name, x in (("flat", flat), ("solid", solid)):
    n = x.ndim
    add("gaussian", name, ndimage.gaussian_filter(x, 1.3, mode="reflect", truncate=4), width=1.3)
    add("median", name, ndimage.median_filter(x, size=3, mode="reflect"), radius=1)
    add("median", name, ndimage.median_filter(x, size=5, mode="reflect"), radius=2)
    add("unsharp", name, unsharp_mask(x, radius=0.9, amount=0.7, preserve_range=True), width=0.9, amount=0.7)
    for patch, search in ((1, 3), (2, 4)) if n == 2 else ((1, 2), (2, 2)):
        add("nlm", name, means(x, 0.7, patch, search), sigma=sigma, h=0.7, patch=patch, search=search)
        # scikit-image's fast mode sums patches of 2 · patch voxels, one less than asked for.
        y = restoration.denoise_nl_means(
            x, patch_size=2 * patch + 1, patch_distance=search, h=0.7 * sigma, sigma=sigma, fast_mode=True, preserve_range=True
        )
        assert abs(y - means(x, 0.7, patch, search, patch - 1)).max() < 1
    y = restoration.denoise_tv_chambolle(x, weight=11.0, eps=2e-4, max_num_iter=60)
    add("tv", name, y, weight=11.0, tolerance=2e-4, iterations=60)
add("median", "solid", ndimage.median_filter(solid, size=(1, 3, 3), mode="reflect"), radius=1, dimensions=2)
add("gaussian", "solid", ndimage.gaussian_filter(solid, (0, 1.3, 1.3), mode="reflect", truncate=4), width=1.3, dimensions=2)
y = numpy.stack([means(s, 0.7, 1, 4) for s in solid])
add("nlm", "solid", y, sigma=sigma, h=0.7, patch=1, search=4, dimensions=2)


# From the equations of the papers: no library has quite the same border or step.
def bilateral(x, space, spread):
    r = int(numpy.ceil(2 * space))
    padded = numpy.pad(x, r, mode="reflect")
    top, bottom = numpy.zeros_like(x), numpy.zeros_like(x)
    for shift in numpy.ndindex(*[2 * r + 1] * x.ndim):
        y = padded[tuple(slice(s, s + n) for s, n in zip(shift, x.shape))]
        d = sum((s - r) ** 2 for s in shift)
        w = numpy.exp(-d / (2 * space**2) - (y - x) ** 2 / (2 * spread**2))
        top, bottom = top + w * y, bottom + w
    return top / bottom


def diffusion(x, kappa, iterations, share):
    u = x.copy()
    for _ in range(iterations):
        change = numpy.zeros_like(u)
        for axis in range(u.ndim):
            d = numpy.diff(u, axis=axis)
            flow = d * numpy.exp(-((d / kappa) ** 2))
            pad = [(0, 0)] * u.ndim
            pad[axis] = (0, 1)
            change += numpy.pad(flow, pad)
            pad[axis] = (1, 0)
            change -= numpy.pad(flow, pad)
        u += share / (2 * u.ndim) * change
    return u


for name, x in (("flat", flat), ("solid", solid)):
    add("bilateral", name, bilateral(x, 1.2, 30.0), space=1.2, range=30.0)
    add("diffusion", name, diffusion(x, 30.0, 6, 0.8), kappa=30.0, iterations=6, step=0.8)

# Gibbs: a phantom on a fine grid whose k-space is cut; errors away from edges are compared.
fine = phantom((160, 192))
k = numpy.fft.fftshift(numpy.fft.fft2(fine))
k = k[80 - 20 : 80 + 20, 96 - 24 : 96 + 24]
ringing = numpy.round(single(abs(numpy.fft.ifft2(numpy.fft.ifftshift(k))) * k.size / fine.size), 2)
image("ringing", ringing)
still = fine[::4, ::4]
edges = ndimage.maximum_filter(still, 3) != ndimage.minimum_filter(still, 3)
interior = ~ndimage.binary_dilation(edges)
unrung = gibbs_removal(ringing.copy(), n_points=3, num_processes=1)

# Lanczos kernels.
for new in ((40, 17), (62, 52), (12, 70)):
    y = numpy.array(Image.fromarray(flat.astype(numpy.float32), "F").resize(new, Image.LANCZOS))
    add("lanczos", "flat", y, size=list(new) + [1])

# N4.
shape = (20, 28, 30)
body = phantom(shape)
z, y, x = numpy.meshgrid(*[numpy.linspace(-1, 1, n) for n in shape], indexing="ij")
biased = single(body * numpy.exp(0.25 * x - 0.2 * y * y + 0.15 * z * x) + abs(random.normal(0, 2, shape)))
biased = numpy.round(biased, 2)
image("biased", biased)
mask = (biased > 0.5 * threshold_otsu(biased)).astype(numpy.uint8)
n4 = SimpleITK.N4BiasFieldCorrectionImageFilter()
n4.SetMaximumNumberOfIterations([50] * 4)
corrected = n4.Execute(SimpleITK.GetImageFromArray(biased.astype(numpy.float32)), SimpleITK.GetImageFromArray(mask))
field = SimpleITK.GetArrayFromImage(n4.GetLogBiasFieldAsImage(SimpleITK.GetImageFromArray(biased.astype(numpy.float32))))
add("n4", "biased", numpy.round(field[::2, ::2, ::2], 4), shrink=1)

# BM3D: its own reference implementation; ours differs in details, so its quality is compared.
clean = phantom((64, 72))
noisy = single(clean + random.normal(0, sigma, clean.shape))
noisy = numpy.round(noisy, 2)
image("photo", noisy)
quality = {
    "bm3d": bm3d.bm3d(noisy / 255, sigma / 255, profile="np") * 255,
    "wavelet": restoration.denoise_wavelet(noisy, sigma=sigma, method="BayesShrink", mode="soft", wavelet="db1", rescale_sigma=False),
}
quality = {name: float(numpy.sqrt(numpy.mean((y - clean) ** 2))) for name, y in quality.items()}
quality["unring"] = float(numpy.sqrt(numpy.mean((unrung - still)[interior] ** 2)))
quality["estimate"] = float(restoration.estimate_sigma(noisy))

# Nyul's landmarks, from the paper.
percentiles = [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99]
marks = [numpy.percentile(v[v > v.mean()], percentiles) for v in (flat, solid)]
scale = numpy.mean([(m - m[0]) / (m[-1] - m[0]) * 100 for m in marks], axis=0)

json.dump({
    "versions": {p: version(p) for p in ("scikit-image", "scipy", "dipy", "pillow", "SimpleITK", "bm3d", "numpy")},
    "sigma": sigma,
    "images": images,
    "clean": {"flat": list(clean2.ravel()), "solid": list(clean3.ravel()), "photo": list(clean.ravel()),
              "ringing": list(still.ravel())},
    "interior": [int(i) for i in numpy.flatnonzero(interior)],
    "quality": quality,
    "landmarks": [float(v) for v in scale],
    "cases": cases,
}, open("filters.json", "w"), separators=(",", ":"))
