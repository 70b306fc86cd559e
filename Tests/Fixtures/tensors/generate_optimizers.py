"""Writes trajectories of optimisers: optimizers-more.safetensors in this folder.

Run with Python 3, PyTorch 2 and safetensors: python generate_optimizers.py
The format is that of optimizers.safetensors, see generate.py. Lion, of which PyTorch has none, and the
running averages are computed from their definitions in double precision.
"""

import numpy as np
import torch

import generate
from generate import single, trajectory

STEPS, COUNT = 8, 6


def lion(content, name, beta1, beta2, decay):
    rng = np.random.default_rng(list(name.encode()))
    w = single(rng.standard_normal(COUNT))
    slopes = single(rng.standard_normal((STEPS, COUNT)))
    content[name + "/start"], content[name + "/gradients"] = w, slopes
    m, after = np.zeros(COUNT), []
    for step, g in enumerate(slopes):
        rate = 0.1 / (step + 1)
        update = np.sign(beta1 * m + (1 - beta1) * g)
        w = w - rate * (update + decay * w)
        m = beta2 * m + (1 - beta2) * g
        after.append(w)
    content[name + "/values"] = np.stack(after)


def averages(content):
    rng = np.random.default_rng(3)
    weights = single(rng.standard_normal((STEPS, COUNT)))
    content["average/weights"] = weights
    decay = 0.7
    plain, ramp, corrected = weights[0], weights[0], np.zeros(COUNT)
    results = {"none": [], "ramp": [], "biasCorrected": []}
    for index, w in enumerate(weights):
        t = index + 1
        if index > 0:
            plain = decay * plain + (1 - decay) * w
            share = min(decay, (1 + t) / (10 + t))
            ramp = share * ramp + (1 - share) * w
        corrected = decay * corrected + (1 - decay) * w
        results["none"].append(plain)
        results["ramp"].append(ramp)
        results["biasCorrected"].append(corrected / (1 - decay**t))
    for name, values in results.items():
        content["average/" + name] = np.stack(values)


def rates(content):
    """Learning rates of PyTorch's schedules over 20 steps from 0.2."""

    def record(name, make):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.2)
        schedule, values = make(optimizer), []
        for _ in range(20):
            values.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        content["rate/" + name] = np.array(values)

    schedules = torch.optim.lr_scheduler
    record("step", lambda o: schedules.StepLR(o, 6, gamma=0.3))
    record("exponential", lambda o: schedules.ExponentialLR(o, 0.9))
    record("oneCycle", lambda o: schedules.OneCycleLR(o, 0.2, total_steps=21, pct_start=0.3))
    measures = [3, 2, 2, 2, 2, 1.5, 1.6, 1.7, 1.4999, 1.8, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.2)
    schedule, values = (
        schedules.ReduceLROnPlateau(
            optimizer, factor=0.5, patience=2, threshold=1e-3, cooldown=1, min_lr=0.02
        ),
        [],
    )
    for measure in measures:
        schedule.step(measure)
        values.append(optimizer.param_groups[0]["lr"])
    content["plateau/measures"], content["plateau/rates"] = np.array(measures), np.array(values)


def main():
    content = {}
    optim = torch.optim
    trajectory(content, "heavy-ball", lambda p: optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.02))
    trajectory(content, "adam", lambda p: optim.Adam(p, 0.1))
    trajectory(
        content,
        "adam-decay",
        lambda p: optim.Adam(p, 0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.2),
    )
    trajectory(content, "rmsprop", lambda p: optim.RMSprop(p, 0.1))
    trajectory(
        content,
        "rmsprop-momentum",
        lambda p: optim.RMSprop(p, 0.1, alpha=0.9, eps=1e-4, weight_decay=0.03, momentum=0.8),
    )
    trajectory(content, "adam-clipped", lambda p: optim.Adam(p, 0.1), clip=1.5)
    clip = torch.nn.utils.clip_grad_norm_
    torch.nn.utils.clip_grad_norm_ = torch.nn.utils.clip_grad_value_
    trajectory(content, "sgd-cut", lambda p: optim.SGD(p, 0.1, momentum=0.9), clip=0.5)
    torch.nn.utils.clip_grad_norm_ = clip
    lion(content, "lion", 0.9, 0.99, 0.1)
    lion(content, "lion-other", 0.95, 0.98, 0.0)
    averages(content)
    rates(content)
    generate.save("optimizers-more", content)


if __name__ == "__main__":
    main()
