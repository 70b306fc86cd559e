"""Frozen graphs of TensorFlow with seeded random weights, and TensorFlow's own results.

Needs tensorflow (2.21 was used) and safetensors. Writes NAME.pb and NAME.safetensors (input and output with
channels second, as graphs keep them) beside this file.
"""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from pathlib import Path

import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

v1 = tf.compat.v1
v1.disable_eager_execution()
v1.disable_control_flow_v2()
HERE = Path(__file__).parent


def constant(random, *shape, scale=None):
    fan = np.prod(shape[:-1]) if len(shape) > 1 else 1
    return v1.constant((random.normal(size=shape) * (scale or (2 / fan) ** 0.5)).astype(np.float32))


def dropout(x, training):
    """As old programs have it: a branch that training takes."""
    return v1.cond(training, lambda: v1.nn.dropout(x, rate=0.5), lambda: tf.identity(x))


def slices(random, training):
    """Steps, padding of even sizes, stored statistics, a branch, two ways up."""
    image = v1.placeholder(tf.float32, [None, None, None, 2], name="image")
    x = v1.nn.conv2d(image, constant(random, 3, 3, 2, 6), strides=[1, 1, 1, 1], padding="SAME")
    x = v1.nn.bias_add(x, constant(random, 6, scale=0.1))
    x, _, _ = v1.nn.fused_batch_norm(
        x, constant(random, 6), constant(random, 6), constant(random, 6),
        tf.abs(constant(random, 6)) + 0.5, epsilon=1e-3, is_training=False)
    skip = v1.nn.relu(x)
    x = v1.nn.max_pool2d(skip, 2, 2, "VALID")
    x = dropout(x, training)
    x = v1.nn.depthwise_conv2d(x, constant(random, 3, 3, 6, 2), [1, 1, 1, 1], "SAME")
    x = v1.nn.leaky_relu(x, 0.1)
    x = v1.nn.conv2d(x, constant(random, 3, 3, 12, 8), strides=[1, 2, 2, 1], padding="SAME")
    # Normalised by hand, as graphs were written before the fused operation.
    mean, variance = constant(random, 8), tf.abs(constant(random, 8)) + 0.5
    scale = v1.rsqrt(variance + 1e-3) * constant(random, 8)
    x = x * scale + (constant(random, 8) - mean * scale)
    x = v1.nn.elu(x)
    size = tf.shape(x)
    x = v1.nn.conv2d_transpose(
        x, constant(random, 3, 3, 6, 8), tf.stack([size[0], 4 * size[1], 4 * size[2], 6]),
        [1, 4, 4, 1], "SAME")
    x = tf.concat([x, skip], axis=-1)
    x = v1.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
    x = v1.nn.conv2d(x, constant(random, 3, 3, 12, 3), strides=[1, 1, 1, 1], padding="VALID")
    return image, v1.nn.softmax(v1.nn.bias_add(x, constant(random, 3)), name="scores")


def volume(random, training):
    image = v1.placeholder(tf.float32, [None, 12, 8, 16, 1], name="image")
    x = v1.nn.conv3d(image, constant(random, 3, 3, 3, 1, 4), [1] * 5, "SAME")
    skip = v1.nn.relu6(v1.nn.bias_add(x, constant(random, 4, scale=0.1)))
    x = v1.nn.max_pool3d(skip, 2, 2, "SAME")
    x = v1.nn.conv3d(x, constant(random, 3, 3, 3, 4, 6), [1] * 5, "SAME")
    x = v1.nn.tanh(dropout(x, training))
    x = v1.nn.conv3d_transpose(
        x, constant(random, 2, 2, 2, 4, 6), [1, 12, 8, 16, 4], [1, 2, 2, 2, 1], "SAME")
    x = tf.maximum(x, skip) + tf.reduce_mean(skip, axis=[1, 2, 3], keepdims=True)
    x = v1.nn.conv3d(x, constant(random, 1, 1, 1, 4, 1), [1] * 5, "SAME")
    return image, v1.sigmoid(x, name="scores")


def rows(random, training):
    """A classifier: maps become rows."""
    image = v1.placeholder(tf.float32, [None, 8, 8, 1], name="image")
    x = v1.nn.relu(v1.nn.conv2d(image, constant(random, 3, 3, 1, 4), strides=[1, 2, 2, 1], padding="SAME"))
    x = v1.nn.avg_pool2d(x, 3, 1, "SAME")
    x = v1.reshape(x, [-1, 64])
    x = v1.matmul(x, constant(random, 64, 5)) + constant(random, 5)
    return image, v1.nn.softmax(x, name="scores")


def main():
    for name, build, shape in [
        ("slices", slices, (1, 16, 24, 2)), ("volume", volume, (1, 12, 8, 16, 1)), ("rows", rows, (1, 8, 8, 1)),
    ]:
        random = np.random.default_rng(7)
        graph = v1.Graph()
        with graph.as_default(), v1.Session(graph=graph) as session:
            training = v1.placeholder_with_default(False, [], name="training")
            image, scores = build(random, training)
            value = random.normal(size=shape).astype(np.float32)
            result = session.run(scores, {image: value})
            (HERE / f"{name}.pb").write_bytes(graph.as_graph_def().SerializeToString())
        last_to_second = lambda x: np.ascontiguousarray(np.moveaxis(x, -1, 1)) if x.ndim > 2 else x
        save_file({"input": last_to_second(value), "output": last_to_second(result)}, HERE / f"{name}.safetensors")


if __name__ == "__main__":
    main()
