"""A small YOLO, a detector's loss and its assignment in PyTorch, and boxes with crowds in pycocotools.

python generate.py  (PyTorch 2.13 in double precision on the processor, safetensors, pycocotools 2.0.11)

yolo.safetensors   weights under their names after "weight.", "input" [2, 1, 64, 96], "prediction" of stored
                   statistics, "trained" of the batch's, and "gradient.NAME" of the mean of trained * "factors"
loss.safetensors   "output" [2, 4 * 8 + 3, A] of a detector on 64 x 64 pixels with strides 8, 16, 32 and 8 bins,
                   "objects" [M, 7] (image, class, left, top, right, bottom, ignored), "positives" [P, 8] (image,
                   cell, class, left, top, right, bottom, score) by image and cell, "ignored" [I, 2], "parts"
                   (overlap, distances, classes, total) of the loss with the weights 7.5, 1.5 and 0.5, "gradient",
                   and "pairs" [K, 8] of boxes with their complete overlaps "ciou" [K] and slopes "slopes" [K, 4]
crowds.json        true boxes (image, class, left, top, width, height, iscrowd), detections (image, class, left,
                   top, width, height, score) and what pycocotools makes of them
"""
import contextlib
import io
import json
import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

here = Path(__file__).parent
torch.manual_seed(3)
torch.set_default_dtype(torch.float64)


def unit(a, b, k=1, s=1):
    return nn.ModuleDict(
        {
            "conv": nn.Conv2d(a, b, k, s, k // 2, bias=False),
            "bn": nn.BatchNorm2d(b, eps=1e-3, momentum=0.03),
        }
    )


def run(u, x):
    y = u["bn"](u["conv"](x))
    return y * torch.sigmoid(y)


def stage(a, b, n):
    h = b // 2
    pair = lambda: nn.ModuleDict({"cv1": unit(h, h, 3), "cv2": unit(h, h, 3)})
    return nn.ModuleDict(
        {
            "cv1": unit(a, 2 * h),
            "cv2": unit((2 + n) * h, b),
            "m": nn.ModuleList([pair() for _ in range(n)]),
        }
    )


def run_stage(block, x, adds):
    parts = list(torch.chunk(run(block["cv1"], x), 2, 1))
    for pair in block["m"]:
        y = run(pair["cv2"], run(pair["cv1"], parts[-1]))
        parts.append(parts[-1] + y if adds else y)
    return run(block["cv2"], torch.cat(parts, 1))


class Detector(nn.Module):
    """Channels 8, 8, 8, 16 and 24, one bottleneck a block (two in the middle of the backbone)."""

    def __init__(self, bins, classes):
        super().__init__()
        c = [8, 8, 8, 16, 24]
        box = max(16, c[2] // 4, 4 * bins)
        cls = max(c[2], min(classes, 100))
        branch = lambda a, h, o: nn.ModuleList([unit(a, h, 3), unit(h, h, 3), nn.Conv2d(h, o, 1)])
        head = nn.ModuleDict(
            {
                "cv2": nn.ModuleList([branch(a, box, 4 * bins) for a in c[2:]]),
                "cv3": nn.ModuleList([branch(a, cls, classes) for a in c[2:]]),
            }
        )
        self.model = nn.ModuleDict(
            {
                "0": unit(1, c[0], 3, 2),
                "1": unit(c[0], c[1], 3, 2),
                "2": stage(c[1], c[1], 1),
                "3": unit(c[1], c[2], 3, 2),
                "4": stage(c[2], c[2], 2),
                "5": unit(c[2], c[3], 3, 2),
                "6": stage(c[3], c[3], 2),
                "7": unit(c[3], c[4], 3, 2),
                "8": stage(c[4], c[4], 1),
                "9": nn.ModuleDict({"cv1": unit(c[4], 12), "cv2": unit(48, c[4])}),
                "12": stage(c[4] + c[3], c[3], 1),
                "15": stage(c[3] + c[2], c[2], 1),
                "16": unit(c[2], c[2], 3, 2),
                "18": stage(c[2] + c[3], c[3], 1),
                "19": unit(c[3], c[3], 3, 2),
                "21": stage(c[3] + c[4], c[4], 1),
                "22": head,
            }
        )

    def forward(self, x):
        m = self.model
        x = run(m["1"], run(m["0"], x))
        x = run_stage(m["2"], x, True)
        p3 = run_stage(m["4"], run(m["3"], x), True)
        p4 = run_stage(m["6"], run(m["5"], p3), True)
        p5 = run_stage(m["8"], run(m["7"], p4), True)
        pools = [run(m["9"]["cv1"], p5)]
        for _ in range(3):
            pools.append(F.max_pool2d(pools[-1], 5, 1, 2))
        p5 = run(m["9"]["cv2"], torch.cat(pools, 1))
        twice = lambda t: F.interpolate(t, scale_factor=2, mode="nearest")
        up4 = run_stage(m["12"], torch.cat([twice(p5), p4], 1), False)
        out3 = run_stage(m["15"], torch.cat([twice(up4), p3], 1), False)
        out4 = run_stage(m["18"], torch.cat([run(m["16"], out3), up4], 1), False)
        out5 = run_stage(m["21"], torch.cat([run(m["19"], out4), p5], 1), False)
        results = []
        for index, feature in enumerate([out3, out4, out5]):
            both = []
            for kind in ["cv2", "cv3"]:
                a, b, last = m["22"][kind][index]
                both.append(last(run(b, run(a, feature))))
            results.append(torch.cat(both, 1).flatten(2))
        return torch.cat(results, 2)


def network():
    net = Detector(bins=4, classes=2)
    for name, module in net.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    tensors = {
        f"weight.{name}": value.clone()
        for name, value in net.state_dict().items()
        if "num_batches" not in name
    }
    x = torch.randn(2, 1, 64, 96)
    net.eval()
    tensors["input"] = x
    tensors["prediction"] = net(x).detach()
    net.train()
    trained = net(x)
    factors = torch.randn_like(trained)
    (trained * factors).mean().backward()
    tensors["trained"] = trained.detach()
    tensors["factors"] = factors
    for name in ["model.0.conv.weight", "model.9.cv1.bn.weight", "model.15.m.0.cv1.conv.weight",
                 "model.22.cv3.2.2.bias"]:
        tensors[f"gradient.{name}"] = dict(net.named_parameters())[name].grad
    save(tensors, "yolo.safetensors")


def save(tensors, name):
    save_file({k: v.to(torch.float32).contiguous() for k, v in tensors.items()}, here / name)


def iou(a, b):
    low = torch.maximum(a[..., :2], b[..., :2])
    high = torch.minimum(a[..., 2:], b[..., 2:])
    common = (high - low).clamp(min=0).prod(-1)
    area = lambda t: (t[..., 2:] - t[..., :2]).prod(-1)
    return common / (area(a) + area(b) - common)


def ciou(a, b):
    """Zheng et al. 2020, equations 10 and 11; alpha is a constant."""
    overlap = iou(a, b)
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    middle = lambda t: (t[..., :2] + t[..., 2:]) / 2
    distance = ((middle(a) - middle(b)) ** 2).sum(-1) / (hull**2).sum(-1)
    angle = lambda t: torch.atan((t[..., 2] - t[..., 0]) / (t[..., 3] - t[..., 1]))
    v = 4 / math.pi**2 * (angle(b) - angle(a)) ** 2
    alpha = (v / (1 - overlap + v)).detach()
    return overlap - distance - alpha * v


def loss():
    bins, classes, side = 8, 3, 64
    middles, strides = [], []
    for s in (8, 16, 32):
        steps = (torch.arange(side // s) + 0.5) * s
        ys, xs = torch.meshgrid(steps, steps, indexing="ij")
        middles.append(torch.stack([xs, ys], -1).reshape(-1, 2))
        strides.append(torch.full((middles[-1].shape[0],), float(s)))
    middles, strides = torch.cat(middles), torch.cat(strides)
    cells = len(strides)
    output = torch.randn(2, 4 * bins + classes, cells)
    objects = torch.tensor(
        [
            [0, 0, 5, 6, 40, 30, 0],
            [0, 1, 20, 10, 60, 62, 0],
            [0, 2, 44, 2, 62, 18, 0],
            [0, 1, 0, 40, 30, 64, 1],
            [1, 2, 1.5, 3, 63, 60, 0],
            [1, 0, 30, 28, 50, 44, 0],
        ],
        dtype=torch.float64,
    )
    output.requires_grad_()
    shares = output[:, : 4 * bins].reshape(2, 4, bins, cells).softmax(2)
    distances = (shares * torch.arange(bins).reshape(1, 1, -1, 1)).sum(2).transpose(1, 2)
    low = middles - distances[..., :2] * strides[:, None]
    high = middles + distances[..., 2:] * strides[:, None]
    boxes = torch.cat([low, high], -1)
    scores = output[:, 4 * bins :].transpose(1, 2)

    wanted = torch.zeros(2, cells, classes)
    positives, ignored = [], []
    overlap_sum = distance_sum = 0.0
    for image in range(2):
        own = objects[(objects[:, 0] == image) & (objects[:, 6] == 0)]
        truth = own[:, 2:6]
        inside = (
            (middles[None] > truth[:, None, :2]) & (middles[None] < truth[:, None, 2:])
        ).all(-1)
        overlaps = iou(truth[:, None], boxes[image].detach()[None])
        probability = scores[image].detach().sigmoid().T[own[:, 1].long()]
        aligned = probability**0.5 * overlaps**6
        ranked = torch.where(inside, aligned, -1.0).topk(10, 1)
        chosen = torch.zeros_like(inside).scatter(1, ranked.indices, ranked.values >= 0)
        # A cell that several objects chose goes to the one it overlaps most.
        best = torch.where(chosen, overlaps, -1.0).argmax(0)
        chosen &= F.one_hot(best, len(own)).T.bool()
        aligned = aligned * chosen
        overlaps = overlaps * chosen
        final = aligned / aligned.amax(1, keepdim=True) * overlaps.amax(1, keepdim=True)
        for cell in range(cells):
            for number in range(len(own)):
                if not chosen[number, cell]:
                    continue
                score = final[number, cell]
                label = int(own[number, 1])
                positives.append([image, cell, label, *truth[number].tolist(), float(score)])
                wanted[image, cell, label] = score
                true = truth[number]
                overlap_sum = overlap_sum + score * (1 - ciou(boxes[image, cell], true))
                sides = torch.cat([middles[cell] - true[:2], true[2:] - middles[cell]])
                sides = (sides / strides[cell]).clamp(0, bins - 1 - 0.01)
                logits = output[image, : 4 * bins, cell].reshape(4, bins).log_softmax(1)
                lower = sides.long()
                share = sides - lower
                rows = torch.arange(4)
                nearness = -(1 - share) * logits[rows, lower] - share * logits[rows, lower + 1]
                distance_sum = distance_sum + score * nearness.mean()
        for crowd in objects[(objects[:, 0] == image) & (objects[:, 6] == 1)]:
            for cell in range(cells):
                x, y = middles[cell]
                if crowd[2] < x < crowd[4] and crowd[3] < y < crowd[5] and not chosen[:, cell].any():
                    ignored.append([image, cell])
    counts = torch.ones(2, cells, 1)
    for image, cell in ignored:
        counts[image, cell] = 0
    entropy = F.binary_cross_entropy_with_logits(scores, wanted, reduction="none")
    total = max(1.0, float(wanted.sum()))
    parts = torch.stack(
        [7.5 * overlap_sum, 1.5 * distance_sum, 0.5 * (entropy * counts).sum()]
    ) / total
    parts.sum().backward()

    pairs = torch.rand(24, 2, 4) * 20
    pairs[..., 2:] += pairs[..., :2] + 1
    pairs[0] = torch.tensor([[0.0, 0, 2, 2], [5, 5, 9, 7]])
    pairs[1] = torch.tensor([[2.0, 2, 5, 4], [1, 1, 9, 9]])
    first = pairs[:, 0].clone().requires_grad_()
    found = ciou(first, pairs[:, 1])
    found.sum().backward()
    save(
        {
            "output": output.detach(),
            "objects": objects,
            "positives": torch.tensor(positives),
            "ignored": torch.tensor(ignored, dtype=torch.float64),
            "parts": torch.cat([parts, parts.sum()[None]]).detach(),
            "gradient": output.grad,
            "pairs": pairs.reshape(-1, 8),
            "ciou": found.detach(),
            "slopes": first.grad,
        },
        "loss.safetensors",
    )


def crowds():
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    random = np.random.default_rng(5)
    truths, found = [], []
    for image in range(14):
        for _ in range(random.integers(0, 8)):
            label = int(random.integers(1, 3))
            x, y = random.uniform(0, 300, 2)
            w, h = np.exp(random.uniform(np.log(10), np.log(200), 2))
            crowd = int(random.random() < 0.3)
            truths.append([image, label, x, y, w, h, crowd])
            for _ in range(random.integers(0, 5 if crowd else 3)):
                jitter = random.normal(size=4) * 0.08 * np.array([w, h, w, h])
                box = np.array([x, y, w, h]) + jitter
                if crowd:
                    box[2:] *= 0.5
                score = round(float(random.random()), 2)
                found.append([image, label, *box[:2], *(np.abs(box[2:]) + 1), score])
    truths = [[float(v) for v in t] for t in truths]
    found = [[float(v) for v in t] for t in found]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": i} for i in range(14)],
            "categories": [{"id": c} for c in (1, 2)],
            "annotations": [
                {
                    "id": i + 1, "image_id": int(t[0]), "category_id": int(t[1]), "bbox": t[2:6],
                    "area": t[4] * t[5], "iscrowd": int(t[6]),
                }
                for i, t in enumerate(truths)
            ],
        }
        coco.createIndex()
        results = coco.loadRes(
            [
                {"image_id": int(t[0]), "category_id": int(t[1]), "bbox": t[2:6], "score": t[6]}
                for t in found
            ]
        )
        evaluation = COCOeval(coco, results, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    # precision: thresholds, recalls, classes, areas, limits; the mean over recalls is the AP.
    table = evaluation.eval["precision"][:, :, :, 0, 2]
    stats = evaluation.stats.tolist()
    expected = {
        "map": stats[0], "map50": stats[1], "map75": stats[2], "small": stats[3],
        "medium": stats[4], "large": stats[5], "recall": stats[8],
        "class1": float(table[0, :, 0].mean()), "class2": float(table[0, :, 1].mean()),
    }
    content = {"truths": truths, "detections": found, "expected": expected}
    (here / "crowds.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")


network()
loss()
crowds()
