"""Writes region-losses.json: what nnU-Net's own loss of regions gives for random scores.

Run: python3 make_region_losses.py (needs nnunetv2; written with 2.8.1).
"""

import json

import numpy as np
import torch

from nnunetv2.training.loss.compound_losses import DC_and_BCE_loss
from nnunetv2.training.loss.dice import MemoryEfficientSoftDiceLoss

REGIONS = [[1, 2, 3], [2, 3], [3]]
IGNORED = 4


def main():
    random = np.random.default_rng(3)
    logits = np.round(2 * random.standard_normal((2, 3, 3, 4, 5)), 3).astype(np.float32)
    cases = []
    for ignores in [False, True]:
        labels = random.integers(0, 5 if ignores else 4, (2, 3, 4, 5))
        channels = [np.isin(labels, region) for region in REGIONS]
        if ignores:
            channels.append(labels == IGNORED)
        target = torch.from_numpy(np.stack(channels, 1).astype(np.float32))
        for batch in [False, True]:
            parts = {}
            for name, weights in {"bce": (1, 0), "dice": (0, 1)}.items():
                loss = DC_and_BCE_loss(
                    {},
                    {"batch_dice": batch, "do_bg": True, "smooth": 1e-5, "ddp": False},
                    weight_ce=weights[0],
                    weight_dice=weights[1],
                    use_ignore_label=ignores,
                    dice_class=MemoryEfficientSoftDiceLoss,
                )
                x = torch.from_numpy(logits).clone().requires_grad_(True)
                value = loss(x, target)
                value.backward()
                parts[name] = {
                    "value": float(value.detach()),
                    "gradient": [round(float(v), 9) for v in x.grad.flatten()],
                }
            cases.append(
                {
                    "ignores": ignores,
                    "overBatch": batch,
                    "labels": labels.flatten().tolist(),
                    **parts,
                }
            )
    text = {
        "shape": list(logits.shape),
        "regions": REGIONS,
        "ignored": IGNORED,
        "logits": [round(float(v), 3) for v in logits.flatten()],
        "cases": cases,
    }
    with open("region-losses.json", "w") as file:
        json.dump(text, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
