"""Scores and boxes with what scikit-learn and pycocotools make of them: scores.json (see README.md)."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    cohen_kappa_score,
    f1_score,
    log_loss,
    roc_auc_score,
)


def calibration(random, classes, count):
    logits = random.normal(size=(count, classes)) * 2
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    truth = np.array([random.choice(classes, p=(row + 0.3 / classes) / 1.3) for row in p])
    best, hit = p.max(1), p.argmax(1) == truth
    error = 0.0
    edges = np.linspace(0, 1, 16)
    for low, high in zip(edges, edges[1:]):
        inside = (best > low) & (best <= high)
        if inside.any():
            error += inside.mean() * abs(hit[inside].mean() - best[inside].mean())
    brier = ((p - np.eye(classes)[truth]) ** 2).sum(1).mean()
    if classes == 2:
        assert np.isclose(brier, 2 * brier_score_loss(truth, p[:, 1]))
    return {
        "classCount": classes,
        "probabilities": p.ravel().tolist(),
        "truth": truth.tolist(),
        "expectedError": error,
        "brierScore": brier,
        "negativeLogLikelihood": log_loss(truth, p, labels=range(classes)),
    }


def delong(scores, truth):
    """By all pairs of a positive and a negative case."""
    p, n = scores[truth], scores[~truth]
    wins = (p[:, None] > n) + 0.5 * (p[:, None] == n)
    return wins.mean(1).var(ddof=1) / len(p) + wins.mean(0).var(ddof=1) / len(n)


def ranking(random, count, digits):
    truth = random.random(count) < 0.4
    scores = np.round(random.normal(size=count) + 1.1 * truth, digits)
    return {
        "scores": scores.tolist(),
        "isPositive": truth.tolist(),
        "area": roc_auc_score(truth, scores),
        "averagePrecision": average_precision_score(truth, scores),
        "areaVariance": delong(scores, truth),
    }


def classes(random, count):
    truth = random.integers(0, 4, count)
    guess = np.where(random.random(count) < 0.6, truth, random.integers(0, 4, count))
    return {
        "truth": truth.tolist(),
        "prediction": guess.tolist(),
        "accuracy": accuracy_score(truth, guess),
        "balancedAccuracy": balanced_accuracy_score(truth, guess),
        "macroF1": f1_score(truth, guess, average="macro"),
        "kappa": cohen_kappa_score(truth, guess),
    }


def detection(random, images):
    truths, found = [], []
    for image in range(images):
        for _ in range(random.integers(0, 7)):
            label = int(random.integers(1, 4))
            x, y = random.uniform(0, 400, 2)
            w, h = np.exp(random.uniform(np.log(8), np.log(200), 2))
            truths.append([image, label, x, y, w, h])
            for _ in range(random.integers(0, 3)):
                jitter = random.normal(size=4) * 0.08 * np.array([w, h, w, h])
                box = np.array([x, y, w, h]) + jitter
                score = round(float(random.random()), 2)
                found.append([image, label, *box[:2], *np.abs(box[2:]) + 1, score])
        for _ in range(random.integers(0, 3)):
            box = [*random.uniform(0, 400, 2), *random.uniform(5, 150, 2)]
            found.append([image, int(random.integers(1, 4)), *box, round(float(random.random()), 2)])
    truths = [[float(v) for v in t] for t in truths]
    found = [[float(v) for v in t] for t in found]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": i} for i in range(images)],
            "categories": [{"id": c} for c in (1, 2, 3)],
            "annotations": [
                {
                    "id": i + 1, "image_id": int(t[0]), "category_id": int(t[1]), "bbox": t[2:],
                    "area": t[4] * t[5], "iscrowd": 0,
                }
                for i, t in enumerate(truths)
            ],
        }
        coco.createIndex()
        results = coco.loadRes(
            [
                {
                    "image_id": int(t[0]), "category_id": int(t[1]), "bbox": t[2:6],
                    "score": t[6],
                }
                for t in found
            ]
        )
        evaluation = COCOeval(coco, results, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    names = ["map", "map50", "map75", "small", "medium", "large"]
    expected = dict(zip(names, evaluation.stats[:6].tolist()))
    expected["recall"] = float(evaluation.stats[8])
    return {"truths": truths, "detections": found, "expected": expected}


random = np.random.default_rng(22)
data = {
    "calibration": [calibration(random, 2, 200), calibration(random, 5, 150)],
    "ranking": [ranking(random, 80, 6), ranking(random, 120, 1)],
    "classes": [classes(random, 90)],
    "detection": [detection(random, 25), detection(random, 8)],
}
target = Path(__file__).with_name("scores.json")
target.write_text(json.dumps(data, separators=(",", ":")) + "\n")
print(target.stat().st_size, "bytes")
