"""Writes what PyTorch computes for the losses: operations-losses.safetensors in this folder.

Run with Python 3, PyTorch 2 and safetensors: python generate_losses.py
The names are those of the tests' catalogue; see generate.py for the format. All computations run in
double precision on the processor and are rounded to single precision at the end.
"""

import numpy as np
import torch
import torch.nn.functional as F

import generate
from generate import alternating, labels, normal, operation, positive


def one_hot(target, logits):
    return F.one_hot(target, logits.shape[1]).movedim(-1, 1).to(logits.dtype)


def region_sums(logits, ignoring, batch):
    target = labels(list(logits.shape))
    mask = (target != (-1 if ignoring is None else ignoring)).unsqueeze(1).to(logits.dtype)
    p, r = torch.softmax(logits, 1) * mask, one_hot(target, logits) * mask
    axes = ((0,) if batch else ()) + tuple(range(2, logits.ndim))
    return p, r, axes


def dice(logits, batch=True, background=False, smooth=1e-5, squared=False, ignoring=None):
    p, r, axes = region_sums(logits, ignoring, batch)
    mass = (p * p if squared else p).sum(axes)
    value = (2 * (p * r).sum(axes) + smooth) / (mass + r.sum(axes) + smooth)
    return 1 - value[..., 0 if background else 1 :].mean()


def tversky(logits, batch=True, background=False, smooth=1e-5, exponent=1.0, ignoring=None):
    p, r, axes = region_sums(logits, ignoring, batch)
    found = (p * r).sum(axes)
    wrong, missed = (p * (1 - r)).sum(axes), ((1 - p) * r).sum(axes)
    index = (found + smooth) / (found + 0.3 * wrong + 0.7 * missed + smooth)
    return ((1 - index) ** exponent)[..., 0 if background else 1 :].mean()


def focal(logits, gamma, weights=None, ignoring=None):
    target = labels(list(logits.shape))
    cost = F.cross_entropy(
        logits, target, weight=weights, reduction="none", ignore_index=-1 if ignoring is None else ignoring
    )
    p = torch.softmax(logits, 1).gather(1, target.unsqueeze(1)).squeeze(1)
    kept = target != (-1 if ignoring is None else ignoring)
    return ((1 - p) ** gamma * cost)[kept].mean()


def top_k(logits, percent, weights=None, ignoring=-100):
    target = labels(list(logits.shape))
    cost = F.cross_entropy(
        logits, target, weight=weights, ignore_index=ignoring, reduction="none"
    ).view(-1)
    return torch.topk(cost, int(cost.numel() * percent / 100), sorted=False)[0].mean()


def segmentation(name, shape):
    target = labels(shape)
    weights = torch.tensor([0.5 + 0.75 * c for c in range(shape[1])])
    region = dict(batch=False, background=True, smooth=0.5)

    def add(kind, function):
        operation(f"{kind}-{name}", [shape], function)

    add(
        "cross-entropy-weighted",
        lambda x: F.cross_entropy(x, target, weight=weights, ignore_index=2),
    )
    add("cross-entropy-smoothed", lambda x: F.cross_entropy(x, target, label_smoothing=0.2))
    add(
        "cross-entropy-all-options",
        lambda x: F.cross_entropy(
            x, target, weight=weights, ignore_index=1, label_smoothing=0.1
        ),
    )
    add("dice-squared", lambda x: dice(x, smooth=1, squared=True))
    add("dice-background", lambda x: dice(x, ignoring=1, **region))
    add("focal", lambda x: focal(x, 2))
    add("focal-weighted", lambda x: focal(x, 1.5, weights, 0))
    add("focal-0", lambda x: F.cross_entropy(x, target))
    add("tversky", tversky)
    add("tversky-focal", lambda x: tversky(x, exponent=0.75, ignoring=2, **region))
    add("top-k", lambda x: top_k(x, 30))
    add("top-k-weighted", lambda x: top_k(x, 45, weights, 1))
    add(
        "several-terms",
        lambda x: F.cross_entropy(x, target, ignore_index=0, label_smoothing=0.1)
        + 0.75 * dice(x, squared=True, ignoring=0, **region)
        + 0.5 * focal(x, 2, weights, 0)
        + 0.25 * tversky(x, exponent=1.5, ignoring=0),
    )
    operation(
        f"boundary-{name}",
        [shape, shape],
        lambda x, d: (torch.softmax(x, 1)[:, 1:] * d[:, 1:]).mean(),
    )


def bits():
    return torch.tensor((np.arange(120) * 7 % 11 % 2).reshape(2, 3, 5, 4).astype(np.float64))


def binary_focal(x, alpha, gamma):
    t = bits()
    p = torch.sigmoid(x)
    p = p * t + (1 - p) * (1 - t)
    cost = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    return ((alpha * t + (1 - alpha) * (1 - t)) * (1 - p) ** gamma * cost).mean()


def ssim(x, y, data_range=1.0):
    offset = torch.arange(11, dtype=x.dtype) - 5
    line = torch.exp(-(offset**2) / (2 * 1.5**2))
    line = line / line.sum()
    window, axes = line, x.ndim - 2
    for _ in range(axes - 1):
        window = window.unsqueeze(-1) * line
    window = window.expand(x.shape[1], 1, *window.shape)
    convolve = F.conv3d if axes == 3 else F.conv2d

    def mean(v):
        return convolve(v, window, groups=x.shape[1])

    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    mx, my = mean(x), mean(y)
    vx, vy, both = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    top = (2 * mx * my + c1) * (2 * both + c2)
    return (top / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean()


def info_nce(q, k, temperature):
    logits = F.normalize(q) @ F.normalize(k).T / temperature
    return F.cross_entropy(logits, torch.arange(len(q)))


def nt_xent(a, b, temperature=0.5):
    z = F.normalize(torch.cat([a, b]))
    count = len(z)
    logits = (z @ z.T / temperature).masked_fill(torch.eye(count, dtype=torch.bool), -torch.inf)
    return F.cross_entropy(logits, (torch.arange(count) + count // 2) % count)


def ctc(x, sequences, lengths=None, **options):
    lengths = lengths or [x.shape[2]] * x.shape[0]
    return F.ctc_loss(
        torch.log_softmax(x, 1).permute(2, 0, 1),
        torch.tensor([label for sequence in sequences for label in sequence]),
        torch.tensor(lengths),
        torch.tensor([len(sequence) for sequence in sequences]),
        **options,
    )


def adversarial():
    bce = F.binary_cross_entropy_with_logits
    one, zero = torch.ones_like, torch.zeros_like
    games = {
        "nonSaturating": (
            lambda r, f: bce(r, one(r)) + bce(f, zero(f)),
            lambda f: bce(f, one(f)),
        ),
        "leastSquares": (
            lambda r, f: 0.5 * ((r - 1) ** 2).mean() + 0.5 * (f**2).mean(),
            lambda f: 0.5 * ((f - 1) ** 2).mean(),
        ),
        "hinge": (
            lambda r, f: F.relu(1 - r).mean() + F.relu(1 + f).mean(),
            lambda f: -f.mean(),
        ),
        "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda f: -f.mean()),
    }
    for name, (critic, generator) in games.items():
        operation(f"adversarial-critic-{name}", [[3, 4]] * 2, critic)
        operation(f"adversarial-generator-{name}", [[3, 4]], generator)


def main():
    segmentation("2d", [2, 4, 5, 3])
    segmentation("3d", [2, 3, 2, 3, 4])
    shape = [2, 3, 5, 4]
    pair, apart = [shape] * 2, [alternating, alternating]
    operation("l1-loss", pair, lambda x, t: F.l1_loss(x, t * 0.5), apart)
    operation("l2-loss", pair, F.mse_loss)
    operation("smooth-l1-loss", pair, lambda x, t: F.smooth_l1_loss(x, t, beta=0.5))
    operation("huber-loss", pair, lambda x, t: F.huber_loss(x, t, delta=1.5))
    operation(
        "charbonnier-loss", pair, lambda x, t: torch.sqrt((x - t) ** 2 + 0.25).mean()
    )
    operation("binary-cross-entropy", pair, F.binary_cross_entropy_with_logits)
    operation(
        "binary-cross-entropy-weighted",
        pair,
        lambda x, t: F.binary_cross_entropy_with_logits(
            x, t * 0.5, pos_weight=torch.tensor(2.5)
        ),
        [normal, positive],
    )
    operation("binary-focal", [shape], lambda x: binary_focal(x, 0.25, 2))
    operation("binary-focal-other", [shape], lambda x: binary_focal(x, 0.5, 1.5))
    operation("hinge-loss", [[2, 9]] * 2, lambda x, t: F.relu(1 - t * x).mean())
    operation("ssim-2d", [[2, 2, 13, 14]] * 2, lambda x, y: 1 - ssim(x, y))
    operation(
        "ssim-2d-offset", [[1, 1, 12, 15]] * 2, lambda x, y: ssim(x + 5, y + 5, data_range=10)
    )
    operation("ssim-3d", [[1, 1, 11, 12, 13]] * 2, ssim)
    target = torch.tensor((np.arange(60) * 7 % 11 / 8 - 0.5).reshape(1, 3, 4, 5))
    operation(
        "perceptual",
        [[1, 3, 4, 5]],
        lambda x: F.mse_loss(x * x, target * target)
        + 0.5 * F.mse_loss(torch.softmax(x, 1), torch.softmax(target, 1)),
    )
    operation("info-nce", [[5, 7]] * 2, lambda q, k: info_nce(q, k, 0.5))
    operation(
        "info-nce-symmetric",
        [[5, 7]] * 2,
        lambda q, k: (info_nce(q, k, 0.7) + info_nce(k, q, 0.7)) / 2,
    )
    operation("nt-xent", [[4, 6]] * 2, nt_xent)
    for name, margin in [("triplet", 0.5), ("triplet-wide", 9.0)]:
        operation(
            name,
            [[6, 5]] * 3,
            lambda a, p, n: F.triplet_margin_loss(a, p, n, margin=margin),
        )
    operation("ctc", [[3, 5, 9]], lambda x: ctc(x, [[1, 2, 3], [4, 4], [2]]))
    operation(
        "ctc-lengths", [[3, 5, 9]], lambda x: ctc(x, [[1, 2, 2], [0], []], [7, 9, 4], blank=4)
    )
    operation(
        "ctc-impossible", [[2, 4, 3]], lambda x: ctc(x, [[1, 1, 1], [2]], zero_infinity=True)
    )
    adversarial()
    generate.save("operations-losses", generate.OPERATIONS)


if __name__ == "__main__":
    main()
