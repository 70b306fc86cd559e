"""Writes what torchvision's Faster R-CNN and Mask R-CNN compute for seeded weights, in this folder.

Run with Python 3, PyTorch 2, torchvision 0.28 and safetensors: python generate.py
Everything is computed in double precision and rounded at the end. Neither the weights nor the input are
stored: they are drawn from the name and the place of each number, as in ../torchvision, and the tests draw
the same. The last layers' weights count a tenth.

A file holds, for two images of 64 x 96 pixels:
- "map.0" ... "map.4": the pyramid, the finest first;
- "logits" and "shifts": of every anchor, in the order of torchvision;
- "anchors": their boxes;
- "proposals": image, left, upper, right and lower edge of the regions that are kept;
- "scores" and "moves": the box head's logits and shifts of these regions, in their order;
- "boxes", "labels", "confidences", "images": what is found;
- "masks": the probabilities of its masks (only Mask R-CNN).
"""

import hashlib
import pathlib
import sys

import numpy as np
import torch
import torchvision.extension
import torchvision.ops.boxes
from safetensors.numpy import save_file
from torch import nn
from torchvision.models.detection import FasterRCNN, MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign

HERE = pathlib.Path(__file__).parent
SIZE = (64, 96)
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def greedy(boxes, scores, threshold):
    """torchvision's `nms` in Python, for installations whose compiled operations do not load."""
    kept, order = [], scores.argsort(descending=True).tolist()
    overlaps = torchvision.ops.boxes.box_iou(boxes, boxes)
    for index in order:
        if all(overlaps[index, other] <= threshold for other in kept):
            kept.append(index)
    return torch.tensor(kept, dtype=torch.int64)


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
    torchvision.ops.boxes.nms = greedy
    # The package's name is that of the function, too.
    module = sys.modules["torchvision.ops.roi_align"]
    module._bilinear_interpolate = with_border(module._bilinear_interpolate)


def drawn(name, shape):
    """Numbers between -1 and 1 from a 32-bit hash, scaled by what the tensor is."""
    seed = 2166136261
    for byte in name.encode():
        seed = ((seed ^ byte) * 16777619) & 0xFFFFFFFF
    count = int(np.prod(shape))
    u = (np.arange(count, dtype=np.uint64) * 2654435761 + seed) & 0xFFFFFFFF
    for shift, factor in ((15, 2246822519), (13, 3266489917)):
        u = ((u ^ (u >> shift)) * factor) & 0xFFFFFFFF
    u ^= u >> np.uint64(16)
    v = u.astype(np.float64) / 4294967296 * 2 - 1
    kind = name.split(".")[-1]
    if len(shape) > 1:
        v *= np.sqrt(6 / (count // shape[0]))
        if name.split(".")[-2] in ("cls_logits", "bbox_pred", "cls_score", "mask_fcn_logits"):
            v *= 0.1
    elif kind == "weight":
        v = 0.2 * v + 1
    elif kind == "running_var":
        v = 0.5 * v + 1
    else:
        v *= 0.1
    return v.astype(np.float32).reshape(shape)


def backbone(block, blocks, width, pyramid):
    body = ResNet(block, blocks, norm_layer=FrozenBatchNorm2d)
    body.inplanes = width
    body.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
    body.bn1 = FrozenBatchNorm2d(width)
    for stage, count in enumerate(blocks):
        layer = body._make_layer(block, width << stage, count, stride=1 if stage == 0 else 2)
        setattr(body, f"layer{stage + 1}", layer)
    channels = [(width << stage) * block.expansion for stage in range(4)]
    layers = {f"layer{stage + 1}": str(stage) for stage in range(4)}
    return BackboneWithFPN(body, layers, channels, pyramid)


def store(name, block, blocks, has_masks):
    width, pyramid, hidden, classes = 8, 16, 32, 3
    options = dict(
        rpn_anchor_generator=AnchorGenerator(
            tuple((side,) for side in (16, 24, 32, 48, 64)), ((0.5, 1.0, 2.0),) * 5
        ),
        box_head=TwoMLPHead(pyramid * 49, hidden),
        box_predictor=FastRCNNPredictor(hidden, classes),
        rpn_pre_nms_top_n_test=60,
        rpn_post_nms_top_n_test=30,
        box_detections_per_img=12,
    )
    if has_masks:
        options.update(
            mask_roi_pool=MultiScaleRoIAlign(["0", "1", "2", "3"], 6, 2),
            mask_head=MaskRCNNHeads(pyramid, (8, 8), 1),
            mask_predictor=MaskRCNNPredictor(8, 8, classes),
        )
    model = (MaskRCNN if has_masks else FasterRCNN)(
        backbone(block, blocks, width, pyramid), **options
    )
    with torch.no_grad():
        for key, tensor in model.state_dict(keep_vars=True).items():
            tensor.copy_(torch.tensor(drawn(key, tuple(tensor.shape)).astype(np.float64)))
    model.eval()
    shape = (2, 3) + SIZE
    x = torch.tensor(4 * drawn("input", (int(np.prod(shape)),)).astype(np.float64)).reshape(shape)
    images = ImageList(x, [SIZE] * 2)
    with torch.no_grad():
        maps = model.backbone(x)
        levels = list(maps.values())
        logits, shifts = model.rpn.head(levels)
        anchors = model.rpn.anchor_generator(images, levels)[0]
        proposals, _ = model.rpn(images, maps)
        heads = model.roi_heads
        pooled = heads.box_roi_pool(maps, proposals, [SIZE] * 2)
        scores, moves = heads.box_predictor(heads.box_head(pooled))
        found, _ = heads(maps, proposals, [SIZE] * 2)

    def flat(tensors, width):
        rows = [
            t.reshape(2, -1, width, *t.shape[2:]).permute(0, 3, 4, 1, 2).reshape(2, -1, width)
            for t in tensors
        ]
        return torch.cat(rows, 1)

    content = {f"map.{level}": tensor for level, tensor in enumerate(levels)}
    content |= {
        "logits": flat(logits, 1)[..., 0],
        "shifts": flat(shifts, 4),
        "anchors": anchors,
        "proposals": torch.cat(
            [torch.cat([torch.full((len(p), 1), i), p], 1) for i, p in enumerate(proposals)]
        ),
        "scores": scores,
        "moves": moves,
        "boxes": torch.cat([f["boxes"] for f in found]),
        "labels": torch.cat([f["labels"] for f in found]),
        "confidences": torch.cat([f["scores"] for f in found]),
        "images": torch.cat([torch.full((len(f["boxes"]),), i) for i, f in enumerate(found)]),
    }
    if has_masks:
        content["masks"] = torch.cat([f["masks"] for f in found])[:, 0]
    print(name, {k: (tuple(v.shape), float(v.double().abs().max())) for k, v in content.items()})
    # There must be something to compare.
    assert len(content["boxes"]) >= 8 and len(set(content["labels"].tolist())) == 2
    save_file(
        {k: np.ascontiguousarray(v.numpy().astype(np.float32)) for k, v in content.items()},
        HERE / f"{name}.safetensors",
    )


store("faster-rcnn", Bottleneck, [1, 1, 1, 1], False)
store("mask-rcnn", BasicBlock, [2, 1, 1, 1], True)

names = sorted(path.name for path in HERE.glob("*.safetensors"))
(HERE / "SHA256SUMS").write_text(
    "".join(f"{hashlib.sha256((HERE / n).read_bytes()).hexdigest()}  {n}\n" for n in names)
)
