"""Writes what PyTorch computes, for the tests of the engine, as safetensors files in this folder.

Run with Python 3, PyTorch 2 and safetensors: python generate.py
Every number comes from the seeds below; nothing is taken from elsewhere. All computations run in
double precision on the processor and are rounded to single precision at the end.
"""

import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def single(values):
    """Double-precision values that single precision holds exactly."""
    return np.asarray(values, np.float32).astype(np.float64)


# --- operations.safetensors -----------------------------------------------------------------------
# "CASE/operand.I", "CASE/weights", "CASE/output", "CASE/gradient.I": the gradients are those of
# sum(weights * output). CASE is a name of the tests' catalogue of operations.

OPERATIONS = {}


def normal(rng, shape):
    return rng.standard_normal(shape)


def alternating(rng, shape):
    signs = np.where(np.arange(np.prod(shape)) % 2 == 0, 1.0, -1.0).reshape(shape)
    return rng.uniform(0.75, 1.25, shape) * signs


def positive(rng, shape):
    return rng.uniform(0.5, 1.5, shape)


def distinct(rng, shape):
    return (rng.permutation(int(np.prod(shape))) * 0.5).reshape(shape)


def ties(rng, shape):
    return rng.integers(0, 3, shape).astype(np.float64)


def operation(name, shapes, function, fills=None):
    rng = np.random.default_rng(list(name.encode()))
    fills = fills or [normal] * len(shapes)
    operands = [
        torch.tensor(single(fill(rng, shape)), requires_grad=True)
        for fill, shape in zip(fills, shapes)
    ]
    output = function(*operands)
    weights = torch.tensor(single(rng.standard_normal(tuple(output.shape))))
    (weights * output).sum().backward()
    for index, operand in enumerate(operands):
        OPERATIONS[f"{name}/operand.{index}"] = operand
        OPERATIONS[f"{name}/gradient.{index}"] = operand.grad
    OPERATIONS[f"{name}/weights"] = weights
    OPERATIONS[f"{name}/output"] = output


def convolution(name, x, w, **options):
    function = F.conv3d if len(x) == 5 else F.conv2d
    operation(
        "convolution-" + name, [x, w, [w[0]]], lambda x, w, b: function(x, w, b, **options)
    )


def transposed(name, x, w, **options):
    function = F.conv_transpose3d if len(x) == 5 else F.conv_transpose2d
    operation("transposed-" + name, [x, w, [w[1]]], lambda x, w, b: function(x, w, b, **options))


def labels(shape):
    """Labels i * 7 mod 11 mod C for logits of the shape, as in the tests' catalogue."""
    space = [shape[0]] + shape[2:]
    return torch.tensor((np.arange(np.prod(space)) * 7 % 11 % shape[1]).reshape(space))


def soft_dice(logits, over_batch, smooth, ignoring=None):
    target = labels(list(logits.shape))
    valid = torch.ones_like(target) if ignoring is None else (target != ignoring).long()
    one_hot = F.one_hot(target, logits.shape[1]).movedim(-1, 1).to(logits.dtype)
    mask = valid.unsqueeze(1).to(logits.dtype)
    p, r = torch.softmax(logits, 1) * mask, one_hot * mask
    axes = tuple(range(2, logits.ndim))
    axes = (0,) + axes if over_batch else axes
    dice = (2 * (p * r).sum(axes) + smooth) / (p.sum(axes) + r.sum(axes) + smooth)
    return 1 - dice[..., 1:].mean()


def make_operations():
    convolution("1-8", [2, 1, 7, 5], [8, 1, 3, 3], padding=1)
    convolution("3-5", [2, 3, 7, 5], [5, 3, 3, 3], padding=1)
    convolution("8-1", [2, 8, 7, 5], [1, 8, 3, 3], padding=1)
    convolution("stride-2", [2, 5, 7, 9], [8, 5, 3, 3], stride=2, padding=1)
    convolution("stride-3-unused-border", [1, 3, 9, 7], [4, 3, 2, 2], stride=3)
    convolution("dilation-2", [1, 5, 9, 7], [8, 5, 3, 3], padding=2, dilation=2)
    convolution("groups-2", [1, 6, 5, 7], [4, 3, 3, 3], padding=1, groups=2)
    convolution("depthwise-5", [2, 5, 7, 5], [5, 1, 3, 3], padding=1, groups=5)
    convolution("3d-stride-2", [1, 3, 5, 7, 6], [8, 3, 3, 3, 3], stride=2, padding=1)
    convolution(
        "3d-uneven",
        [1, 5, 4, 7, 6],
        [8, 5, 1, 3, 3],
        stride=(1, 2, 1),
        padding=(0, 1, 2),
        dilation=(1, 1, 2),
    )
    transposed("2-2", [2, 5, 3, 4], [5, 3, 2, 2], stride=2)
    transposed("4-2-1", [1, 3, 5, 4], [3, 3, 4, 4], stride=2, padding=1)
    transposed("3-1-1", [1, 5, 5, 6], [5, 8, 3, 3], padding=1)
    transposed("3d", [1, 8, 2, 3, 4], [8, 5, 2, 2, 2], stride=2)
    operation(
        "transposed-groups-no-bias",
        [[1, 6, 3, 4], [6, 2, 2, 2]],
        lambda x, w: F.conv_transpose2d(x, w, stride=2, groups=3),
    )

    for name, shape, options in [
        ("2", [2, 5, 7, 6], dict(kernel_size=2)),
        ("3-2-1", [1, 3, 7, 8], dict(kernel_size=3, stride=2, padding=1)),
        ("3d", [1, 5, 4, 5, 6], dict(kernel_size=2)),
        (
            "3d-padded",
            [1, 8, 3, 5, 4],
            dict(kernel_size=(3, 3, 2), stride=(2, 2, 1), padding=(1, 1, 0)),
        ),
    ]:
        three = len(shape) == 5
        largest = F.max_pool3d if three else F.max_pool2d
        mean = F.avg_pool3d if three else F.avg_pool2d
        operation("max-" + name, [shape], lambda x: largest(x, **options), [distinct])
        operation(
            "average-" + name, [shape], lambda x: mean(x, **options, count_include_pad=False)
        )
    operation("max-ties", [[2, 5, 6, 7]], lambda x: F.max_pool2d(x, 3, 2, 1), [ties])

    for name, shape, batch in [
        ("instance", [2, 5, 5, 7], False),
        ("instance-3d", [2, 3, 3, 5, 3], False),
        ("batch", [3, 5, 5, 3], True),
        ("batch-3d", [2, 8, 3, 3, 3], True),
    ]:
        for slope in ["0.01"] if len(shape) == 5 else ["0.01", "0.0"]:

            def normalized(x, scale, shift):
                shift = shift * 0.3 - 0.3
                if batch:
                    y = F.batch_norm(x, None, None, scale, shift, training=True, eps=1e-3)
                else:
                    y = F.instance_norm(x, weight=scale, bias=shift, eps=1e-3)
                return F.leaky_relu(y, float(slope))

            operation(
                f"{name}-slope-{slope}",
                [shape, [shape[1]], [shape[1]]],
                normalized,
                [alternating, positive, positive],
            )
    mean = torch.tensor(single([0.0, 0.1, -0.1, 0.2, -0.05]))
    variance = torch.tensor(single([1, 0.5, 2, 0.25, 1.5]))
    operation(
        "batch-stored",
        [[2, 5, 5, 3], [5], [5]],
        lambda x, scale, shift: F.leaky_relu(
            F.batch_norm(x, mean, variance, scale, shift * 0.125), float(np.float32(0.01))
        ),
        [alternating, positive, normal],
    )

    operation(
        "concatenation",
        [[2, 3, 5, 4], [2, 5, 5, 4], [2, 1, 5, 4]],
        lambda *parts: torch.cat(parts, 1),
    )
    operation("cropped", [[2, 5, 7, 8]], lambda x: x[:, :, 1:5, 2:6])
    operation("cropped-3d", [[1, 8, 5, 4, 7]], lambda x: x[:, :, 1:3, :, 2:5])
    operation("reshaped", [[2, 5, 3, 4]], lambda x: x.reshape(5, 24))
    operation("softmax", [[2, 5, 3, 4]], lambda x: torch.softmax(x, 1))
    operation("softmax-3d", [[1, 3, 2, 3, 4]], lambda x: torch.softmax(x, 1))
    operation("relu", [[2, 5, 7, 3]], torch.relu, [alternating])
    operation("leaky", [[2, 5, 7, 3]], lambda x: F.leaky_relu(x, 0.01), [alternating])
    operation("multiply", [[2, 5, 3, 4]] * 2, lambda a, b: a * b)
    operation("subtract", [[2, 5, 3, 4]] * 2, lambda a, b: a - b)
    operation("sum", [[2, 5, 3, 4]], lambda x: x.sum())
    operation("mean", [[2, 5, 3, 4]], lambda x: x.mean())

    for name, shape in [
        ("2d", [2, 4, 5, 3]),
        ("two-classes", [2, 2, 5, 3]),
        ("3d", [2, 3, 2, 3, 4]),
    ]:
        target = labels(shape)
        operation("cross-entropy-" + name, [shape], lambda x: F.cross_entropy(x, target))
        operation(
            "cross-entropy-ignoring-" + name,
            [shape],
            lambda x: F.cross_entropy(x, target, ignore_index=1),
        )
        operation("dice-batch-" + name, [shape], lambda x: soft_dice(x, True, 1e-5))
        operation("dice-sample-" + name, [shape], lambda x: soft_dice(x, False, 1.0))
        operation("dice-ignoring-" + name, [shape], lambda x: soft_dice(x, True, 1e-5, 0))
        operation(
            "cross-entropy-and-dice-" + name,
            [shape],
            lambda x: F.cross_entropy(x, target) + soft_dice(x, True, 1e-5),
        )
    save("operations", OPERATIONS)


# --- optimizers.safetensors -----------------------------------------------------------------------
# "NAME/start", "NAME/gradients" [steps, n], "NAME/values" [steps, n] after each step.


def trajectory(content, name, make, clip=None):
    rng = np.random.default_rng(list(name.encode()))
    steps, count = 8, 6
    start, slopes = single(rng.standard_normal(count)), single(rng.standard_normal((steps, count)))
    weight = torch.nn.Parameter(torch.tensor(start))
    optimizer = make([weight])
    after = []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 0.1 / (step + 1)
        weight.grad = torch.tensor(slopes[step])
        if clip is not None:
            torch.nn.utils.clip_grad_norm_([weight], clip)
        optimizer.step()
        after.append(weight.detach().numpy().copy())
    content[name + "/start"] = start
    content[name + "/gradients"] = slopes
    content[name + "/values"] = np.stack(after)


def make_optimizers():
    content = {}
    sgd, adam = torch.optim.SGD, torch.optim.AdamW
    trajectory(content, "sgd", lambda p: sgd(p, lr=0.1, momentum=0.9, nesterov=True))
    trajectory(
        content,
        "sgd-decay",
        lambda p: sgd(p, lr=0.1, momentum=0.99, weight_decay=3e-2, nesterov=True),
    )
    trajectory(content, "sgd-plain", lambda p: sgd(p, lr=0.1))
    trajectory(
        content, "sgd-clipped", lambda p: sgd(p, lr=0.1, momentum=0.9, nesterov=True), clip=1.5
    )
    trajectory(content, "adamw", lambda p: adam(p, lr=0.1, weight_decay=0.01))
    trajectory(
        content,
        "adamw-other",
        lambda p: adam(p, lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.2),
    )
    save("optimizers", content)


# --- batch-normalization.safetensors --------------------------------------------------------------


def make_batch_normalization():
    """Three training batches of different sizes through one layer, then one for prediction."""
    rng = np.random.default_rng(5)
    layer = torch.nn.BatchNorm2d(5)
    content = {}
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(single(rng.uniform(0.5, 1.5, 5))))
        layer.bias.copy_(torch.tensor(single(rng.standard_normal(5))))
    content["weight"], content["bias"] = layer.weight, layer.bias
    for step, samples in enumerate([1, 2, 3]):
        x = torch.tensor(single(rng.standard_normal((samples, 5, 3, 4)) * 2 + 1))
        content[f"input.{step}"] = x
        content[f"output.{step}"] = layer(x)
        content[f"running_mean.{step}"] = layer.running_mean.clone()
        content[f"running_var.{step}"] = layer.running_var.clone()
    layer.eval()
    x = torch.tensor(single(rng.standard_normal((2, 5, 2, 3))))
    content["input.prediction"], content["output.prediction"] = x, layer(x)
    save("batch-normalization", content)


# --- unet.safetensors -----------------------------------------------------------------------------
# A U-Net of two stages written with PyTorch's layers; "input", "output", "loss", and under
# "weights." and "gradients." the state dictionary in the engine's names.


class Unit(torch.nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = torch.nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = torch.nn.InstanceNorm2d(outputs, affine=True)

    def forward(self, x):
        return F.leaky_relu(self.norm(self.conv(x)), float(np.float32(0.01)))


class UNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        stage = lambda i, o: torch.nn.ModuleList([Unit(i, o), Unit(o, o)])
        self.encoder = torch.nn.ModuleList([stage(2, 4), stage(4, 9)])
        self.upsampler = torch.nn.ModuleList([torch.nn.ConvTranspose2d(9, 4, 2, 2)])
        self.decoder = torch.nn.ModuleList([stage(8, 4)])
        self.head = torch.nn.Conv2d(4, 3, 1)

    def forward(self, x):
        skip = x
        for unit in self.encoder[0]:
            skip = unit(skip)
        y = F.max_pool2d(skip, 2)
        for unit in self.encoder[1]:
            y = unit(y)
        y = torch.cat([self.upsampler[0](y), skip], 1)
        for unit in self.decoder[0]:
            y = unit(y)
        return self.head(y)


def make_unet():
    rng = np.random.default_rng(9)
    network = UNet()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            scale = 0.3 if parameter.ndim > 1 else 0.5
            offset = 1.0 if name.endswith("norm.weight") else 0.0
            parameter.copy_(
                torch.tensor(single(rng.standard_normal(tuple(parameter.shape)) * scale + offset))
            )
    x = torch.tensor(single(rng.standard_normal((2, 2, 8, 6))))
    output = network(x)
    target = labels(list(output.shape))
    loss = F.cross_entropy(output, target) + soft_dice(output, True, 1e-5)
    loss.backward()
    content = {"input": x, "output": output, "loss": loss}
    for name, parameter in network.named_parameters():
        content["weights." + name] = parameter
        content["gradients." + name] = parameter.grad
    save("unet", content)


# --- foreign.safetensors --------------------------------------------------------------------------


def make_foreign():
    """A file of several types, as Python's safetensors package writes it."""
    values = np.array([[0.5, -1.25, 3.0], [1e-3, 65504.0, -0.0]])
    tensors = {
        "half": values.astype(np.float16),
        "single": values.astype(np.float32),
        "double": values,
        "number": np.array(2.5, np.float32),
        "none": np.zeros((0, 4), np.float32),
        "tiny.half": np.array([2.0**-24, 2.0**-14, np.inf, -np.inf], np.float16),
    }
    save_file(tensors, HERE / "foreign.safetensors", metadata={"made by": "généré", "n": "6"})
    (HERE / "foreign.safetensors").chmod(0o644)


def save(name, content):
    def stored(value):
        value = value.detach().numpy() if isinstance(value, torch.Tensor) else value
        return np.asarray(value, dtype=np.float32, order="C")

    path = HERE / f"{name}.safetensors"
    save_file({key: stored(value) for key, value in content.items()}, path)
    path.chmod(0o644)
    print(path.name, path.stat().st_size)


if __name__ == "__main__":
    make_operations()
    make_optimizers()
    make_batch_normalization()
    make_unet()
    make_foreign()
