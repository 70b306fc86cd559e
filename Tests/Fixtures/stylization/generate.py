"""Values of PyTorch for the loss of styles: Gram matrices, their distance, smoothness, and gradients.

Run: python3 generate.py > style-loss.json (PyTorch 2, NumPy).
"""

import json

import numpy as np
import torch

random = np.random.default_rng(11)
maps = torch.tensor(random.normal(size=(2, 3, 4, 5)), dtype=torch.float64, requires_grad=True)
style = torch.tensor(random.normal(size=(1, 3, 6, 4)), dtype=torch.float64)


def gram(x):
    flat = x.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


target = gram(style)
distance = ((gram(maps) - target) ** 2).sum() / (target**2).sum() / maps.shape[0]
smoothness = ((maps[:, :, 1:] - maps[:, :, :-1]) ** 2).mean() + (
    (maps[:, :, :, 1:] - maps[:, :, :, :-1]) ** 2
).mean()
(distance + smoothness).backward()


def values(x):
    return [round(float(v), 9) for v in x.detach().flatten()]


print(
    json.dumps(
        {
            "maps": values(maps),
            "style": values(style),
            "gram": values(gram(maps)),
            "distance": float(distance.detach()),
            "smoothness": float(smoothness.detach()),
            "gradient": values(maps.grad),
        }
    )
)
