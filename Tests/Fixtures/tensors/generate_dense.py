"""Writes what PyTorch computes for algebra, shapes, reductions, recurrence and attention.

Run with Python 3, PyTorch 2 and safetensors: python generate_dense.py
The files and their numbers are made as generate.py makes operations.safetensors.
"""

import numpy as np
import torch
import torch.nn.functional as F

from generate import OPERATIONS, alternating, distinct, normal, operation, positive, save, single


def make_elementwise():
    operation("add-row", [[2, 5, 3, 4], [4]], lambda a, b: a + b)
    operation("subtract-both", [[3, 1, 5], [2, 1]], lambda a, b: a - b)
    operation("multiply-channels", [[2, 5, 3, 4], [2, 5, 1, 1]], lambda a, b: a * b)
    operation("divide", [[2, 5, 3, 4], [5, 1, 4]], lambda a, b: a / b, [normal, positive])
    operation(
        "maximum", [[4, 5], [1, 5]], lambda a, b: torch.maximum(2 * a, b), [alternating] * 2
    )
    operation(
        "minimum", [[2, 5, 3, 4], []], lambda a, b: torch.minimum(2 * a, b), [alternating, normal]
    )
    operation("power", [[3, 4], [2, 1, 4]], torch.pow, [positive, normal])
    operation(
        "scalars", [[2, 5, 3, 4]], lambda x: (2 - (x + 1.5) / 4 + 3 / x) * 0.5 - 1, [positive]
    )
    mask = torch.tensor([1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0]).reshape(3, 4) != 0
    operation("select", [[2, 5, 3, 4], [5, 1, 1]], lambda a, b: torch.where(mask, a, b))

    operation("exp", [[2, 5, 3, 4]], lambda x: (x * 0.5).exp())
    operation("log", [[2, 5, 3, 4]], lambda x: (x + 0.5).log(), [positive])
    operation("square-root", [[2, 5, 3, 4]], lambda x: (x + 0.5).sqrt(), [positive])
    operation("squared", [[2, 5, 3, 4]], torch.square)
    operation("magnitude", [[2, 5, 3, 4]], torch.abs, [alternating])
    operation("negate", [[2, 5, 3, 4]], torch.neg)
    operation("reciprocal", [[2, 5, 3, 4]], lambda x: (x + 1).reciprocal(), [positive])
    low, high = float(np.float32(-4.2)), float(np.float32(7.2))
    operation("clamp", [[2, 5, 3, 4]], lambda x: x.clamp(low, high), [distinct])


def make_reductions():
    operation("sum-middle", [[2, 5, 3, 4]], lambda x: x.sum(1))
    operation("sum-apart", [[2, 5, 3, 4]], lambda x: x.sum((0, -2), keepdim=True))
    operation("mean-last", [[2, 5, 3, 4]], lambda x: x.mean((2, 3)))
    operation("variance", [[2, 5, 3, 4]], lambda x: x.var((0, 2)))
    operation("variance-biased", [[4, 7]], lambda x: x.var(0, correction=0, keepdim=True))
    operation("deviation", [[3, 7]], lambda x: x.std(1), [alternating])
    operation("log-sum-exp", [[2, 5, 3, 4]], lambda x: x.logsumexp(1))
    operation("log-sum-exp-all", [[3, 5]], lambda x: x.logsumexp((0, 1)))
    operation("largest", [[3, 5, 4]], lambda x: x.amax(1), [distinct])
    operation("largest-apart", [[3, 5, 3]], lambda x: x.amax((0, 2), keepdim=True), [distinct])
    operation("smallest", [[2, 5, 3, 4]], lambda x: x.amin(-1), [distinct])
    operation("cumulative-sum", [[3, 5, 4]], lambda x: x.cumsum(1))
    operation("cumulative-sum-last", [[3, 7]], lambda x: x.cumsum(-1))
    operation("softmax-last", [[2, 3, 7]], lambda x: x.softmax(-1))
    operation("softmax-first", [[4, 5]], lambda x: x.softmax(0))


def make_structure():
    # PyTorch has no negative steps: places 6, 4, 2 of axis 1.
    operation("slice", [[5, 7, 4]], lambda x: x[1:-1, [6, 4, 2]][:, :, ::3])
    operation("slice-axis", [[2, 5, 3, 4]], lambda x: x[:, 1:4])

    def split(x):
        a, b, c = x.split([1, 3, 2], 1)
        return torch.cat([c, b * 2, a], 1)

    operation("split", [[2, 6, 3]], split)
    operation("flip", [[3, 4, 5]], lambda x: x.flip((0, -1)))
    operation("roll", [[3, 5, 2]], lambda x: x.roll(7, 1))
    operation("roll-back", [[3, 5]], lambda x: x.roll(-1, -1))
    operation("concatenate-last", [[2, 3, 2], [2, 3, 5]], lambda *x: torch.cat(x, -1))
    operation("concatenate-first", [[2, 3], [1, 3], [3, 3]], lambda *x: torch.cat(x, 0))
    operation("stack", [[3, 4]] * 3, lambda *x: torch.stack(x, 1))
    operation("transpose", [[2, 5, 3, 4]], lambda x: x.permute(2, 0, 3, 1))
    operation("transpose-pair", [[3, 7]], lambda x: x.T)
    operation("broadcast", [[5, 1, 4]], lambda x: x.expand(2, 5, 3, 4))
    operation("tile", [[2, 3]], lambda x: x.tile(2, 1, 3))
    operation("repeat", [[2, 3, 2]], lambda x: x.repeat_interleave(3, 1))
    operation("flatten", [[2, 1, 3, 4]], lambda x: x.squeeze(1).unsqueeze(-1).flatten(1, -2))

    places = torch.tensor([i * 7 % 5 % 4 for i in range(24)]).reshape(3, 2, 4)
    operation("gather", [[3, 4, 5]], lambda x: x.gather(1, places))
    targets = torch.tensor([0, 3, 3, 1, 2, 2, 2, 0]).reshape(2, 4)
    operation("scatter-add", [[3, 5], [2, 4]], lambda x, v: x.scatter_add(-1, targets, v))
    rows = torch.tensor([4, 1, 1, 0])
    operation("select-rows", [[2, 5, 3]], lambda x: x.index_select(1, rows))
    first = torch.tensor([3, 0, 3])
    operation("select-rows-first", [[4, 3]], lambda x: x.index_select(0, first))
    words = torch.tensor([0, 4, 4, 2, 0, 4]).reshape(2, 3)
    operation("embedding", [[5, 3]], lambda w: F.embedding(words, w))


def make_products():
    operation("matrix-product", [[3, 5], [5, 4]], torch.matmul)
    operation("matrix-product-batch", [[2, 3, 4, 5], [3, 5, 2]], torch.matmul)
    operation("matrix-product-one-right", [[2, 3, 5], [5, 4]], torch.matmul)
    operation("matrix-product-one-left", [[3, 5], [2, 5, 4]], torch.matmul)
    operation("matrix-product-both", [[2, 1, 3, 5], [3, 5, 1]], torch.matmul)
    operation("linear", [[2, 3, 5], [4, 5], [4]], F.linear)
    operation("linear-no-bias", [[3, 5], [1, 5]], F.linear)
    attention = F.scaled_dot_product_attention
    shapes = [[2, 3, 5], [2, 4, 5], [2, 4, 3]]
    operation("attention", shapes, attention)
    operation(
        "attention-causal",
        [[2, 1, 4, 3], [2, 2, 4, 3], [2, 4, 2]],
        lambda q, k, v: attention(
            q.expand(2, 2, 4, 3), k, v.expand(2, 2, 4, 2), is_causal=True
        ),
    )
    mask = torch.tensor([1, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 1]).reshape(3, 4) != 0
    operation("attention-mask", shapes, lambda q, k, v: attention(q, k, v, attn_mask=mask))


def make_recurrences():
    def lstm(x, h, c, w, u, b, d):
        output, hidden, cell = torch.ops.aten.lstm.input(
            x, [h, c], [w * 0.5, u * 0.5, b, d], True, 1, 0.0, False, False, False
        )
        return torch.cat([output, hidden * 2, cell])

    operation(
        "lstm", [[5, 2, 3], [1, 2, 4], [1, 2, 4], [16, 3], [16, 4], [16], [16]], lstm
    )

    def lstm_both_ways(x, *weights):
        weights = [w * 0.5 for w in weights]
        run = torch.ops.aten.lstm.input
        zeros = lambda width: [torch.zeros(2, 2, width)] * 2
        output, _, cell = run(x, zeros(3), weights[:4], False, 1, 0.0, False, True, False)
        output, hidden, _ = run(output, zeros(2), weights[4:], False, 1, 0.0, False, True, False)
        return torch.cat([output.flatten(), hidden.flatten(), cell.flatten()])

    operation(
        "lstm-both-ways",
        [[4, 2, 3], [12, 3], [12, 3], [12, 3], [12, 3], [8, 6], [8, 2], [8, 6], [8, 2]],
        lstm_both_ways,
    )

    def gru(x, h, w, u, b, d):
        output, hidden = torch.ops.aten.gru.input(
            x, h, [w * 0.5, u * 0.5, b, d], True, 1, 0.0, False, False, False
        )
        return torch.cat([output, hidden * 2])

    operation("gru", [[5, 2, 3], [1, 2, 4], [12, 3], [12, 4], [12], [12]], gru)

    def gru_both_ways(x, *weights):
        weights = [w * 0.5 for w in weights]
        output, hidden = torch.ops.aten.gru.input(
            x, torch.zeros(4, 2, 3), weights, False, 2, 0.0, False, True, False
        )
        return torch.cat([output.flatten(), hidden.flatten()])

    operation(
        "gru-both-ways",
        [[4, 2, 3], [9, 3], [9, 3], [9, 3], [9, 3], [9, 6], [9, 3], [9, 6], [9, 3]],
        gru_both_ways,
    )

    # Sequences of 5, 2 and 3 steps, in both directions.
    def packed(module, x, weights):
        names = [name for name, _ in module.named_parameters()]
        sequences = torch.nn.utils.rnn.pack_padded_sequence(
            x, torch.tensor([5, 2, 3]), enforce_sorted=False
        )
        values = dict(zip(names, [w * 0.5 for w in weights]))
        output, last = torch.func.functional_call(module, values, (sequences,))
        output, _ = torch.nn.utils.rnn.pad_packed_sequence(output, total_length=x.shape[0])
        last = list(last) if isinstance(last, tuple) else [last]
        return torch.cat([tensor.flatten() for tensor in [output, *last]])

    for name, kind, rows in [("lstm", torch.nn.LSTM, 16), ("gru", torch.nn.GRU, 12)]:
        module = kind(3, 4, bidirectional=True).double()
        operation(
            name + "-lengths",
            [[5, 3, 3]] + [[rows, 3], [rows, 4], [rows], [rows]] * 2,
            lambda x, *weights: packed(module, x, weights),
        )


# --- layers-dense.safetensors ---------------------------------------------------------------------
# "LAYER/input.I", "LAYER/weights.NAME", "LAYER/output.I", and the gradients of half the sum of all
# squared outputs, "LAYER/input-gradient.I" and "LAYER/gradients.NAME".

LAYERS = {}


def layer(name, module, shapes, run):
    rng = np.random.default_rng(list(name.encode()))
    with torch.no_grad():
        for parameter in module.parameters():
            values = rng.standard_normal(tuple(parameter.shape)) * 0.5
            parameter.copy_(torch.tensor(single(values)))
    inputs = [
        torch.tensor(single(rng.standard_normal(shape)), requires_grad=True) for shape in shapes
    ]
    outputs = run(module, *inputs)
    sum((output**2).sum() / 2 for output in outputs).backward()
    for index, x in enumerate(inputs):
        LAYERS[f"{name}/input.{index}"], LAYERS[f"{name}/input-gradient.{index}"] = x, x.grad
    for index, output in enumerate(outputs):
        LAYERS[f"{name}/output.{index}"] = output
    for own, parameter in module.named_parameters():
        LAYERS[f"{name}/weights.{own}"] = parameter
        LAYERS[f"{name}/gradients.{own}"] = parameter.grad


class ConvolutionalLSTM(torch.nn.Module):
    """Equation 3 of Shi et al. 2015 without the peepholes, over [N, C, T, H, W]."""

    def __init__(self, inputs, width):
        super().__init__()
        self.input = torch.nn.Conv2d(inputs, 4 * width, 3, padding=1)
        self.hidden = torch.nn.Conv2d(width, 4 * width, 3, padding=1, bias=False)

    def forward(self, x):
        h = c = torch.zeros_like(self.hidden.weight[:1, :, :1, :1]).expand(
            x.shape[0], -1, *x.shape[3:]
        )
        outputs = []
        for step in x.unbind(2):
            i, f, g, o = (self.input(step) + self.hidden(h)).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            outputs.append(h)
        return [torch.stack(outputs, 2), h, c]


def make_layers():
    layer("linear", torch.nn.Linear(3, 4), [[2, 5, 3]], lambda m, x: [m(x)])

    def states(m, x, *first):
        output, last = m(x, first)
        return [output, *last]

    layer(
        "lstm",
        torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True),
        [[5, 2, 3], [4, 2, 4], [4, 2, 4]],
        states,
    )
    layer("lstm-batch-first", torch.nn.LSTM(3, 5, batch_first=True), [[2, 4, 3]], states_of_zero)
    layer(
        "gru",
        torch.nn.GRU(3, 4, num_layers=2, bidirectional=True),
        [[5, 2, 3], [4, 2, 4]],
        lambda m, x, h: list(m(x, h)),
    )
    layer(
        "gru-batch-first",
        torch.nn.GRU(3, 5, batch_first=True, bias=False),
        [[2, 4, 3]],
        lambda m, x: list(m(x)),
    )
    layer("convolutional-lstm", ConvolutionalLSTM(2, 3), [[2, 2, 4, 5, 3]], lambda m, x: m(x))
    attention = lambda: torch.nn.MultiheadAttention(6, 2, batch_first=True)
    layer("attention", attention(), [[2, 5, 6]], lambda m, x: [m(x, x, x)[0]])
    layer(
        "attention-crossed",
        attention(),
        [[2, 3, 6], [2, 5, 6], [2, 5, 6]],
        lambda m, q, k, v: [m(q, k, v)[0]],
    )
    hidden = ~torch.tril(torch.ones(5, 5, dtype=torch.bool))
    layer(
        "attention-causal",
        attention(),
        [[2, 5, 6]],
        lambda m, x: [m(x, x, x, attn_mask=hidden)[0]],
    )
    spectral("spectral", torch.nn.Conv2d(3, 4, 2, bias=False))
    spectral("spectral-transposed", torch.nn.ConvTranspose2d(3, 4, 2, bias=False))
    save("layers-dense", LAYERS)


def states_of_zero(m, x):
    output, last = m(x)
    return [output, *last]


def spectral(name, module):
    """A weight before and after three uses in training, and one in prediction."""
    rng = np.random.default_rng(list(name.encode()))
    with torch.no_grad():
        module.weight.copy_(torch.tensor(single(rng.standard_normal(tuple(module.weight.shape)))))
    module = torch.nn.utils.parametrizations.spectral_norm(module)
    own = module.parametrizations.weight
    with torch.no_grad():
        for vector in (own[0]._u, own[0]._v):
            vector.copy_(torch.tensor(single(F.normalize(torch.ones_like(vector), dim=0))))
    LAYERS[f"{name}/original"] = own.original
    LAYERS[f"{name}/u.before"], LAYERS[f"{name}/v.before"] = own[0]._u.clone(), own[0]._v.clone()
    module.weight, module.weight
    probe = torch.tensor(single(rng.standard_normal(tuple(own.original.shape))))
    used = module.weight
    (used * probe).sum().backward()
    LAYERS[f"{name}/probe"], LAYERS[f"{name}/used"] = probe, used
    LAYERS[f"{name}/gradient"] = own.original.grad
    LAYERS[f"{name}/u.after"], LAYERS[f"{name}/v.after"] = own[0]._u.clone(), own[0]._v.clone()
    module.eval()
    LAYERS[f"{name}/predicting"] = module.weight


if __name__ == "__main__":
    make_elementwise()
    make_reductions()
    make_structure()
    make_products()
    make_recurrences()
    save("operations-dense", OPERATIONS)
    make_layers()
