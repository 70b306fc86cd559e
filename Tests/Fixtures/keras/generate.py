"""Builds small models in Keras and stores them in its formats, with an input and the prediction.

Run with Python 3, Keras 3, PyTorch 2 (as Keras' backend), h5py and safetensors: python generate.py
Weights and inputs come from the seed below. NAME.h5 and NAME.keras are saved by Keras; NAME.json and
NAME.bin are the same model as TensorFlow.js keeps it, written here; NAME.safetensors holds "input" and
"output" with channels in the second place.
"""

import hashlib
import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
from keras import layers as L
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(3)


def store(name, model, shape):
    entries, blob = [], b""
    for layer in model.layers:
        for weight in layer.weights:
            kind = weight.path.split("/")[-1]
            values = rng.standard_normal(weight.shape).astype(np.float32)
            values *= 0.3 if values.ndim > 1 else 0.2
            if kind in ("gamma", "moving_variance"):
                values = (1 + np.abs(values)).astype(np.float32)
            weight.assign(values)
            entries.append(
                {"name": f"{layer.name}/{kind}", "shape": list(values.shape), "dtype": "float32"}
            )
            blob += values.tobytes()
    model_config = json.loads(model.to_json())
    layers_model = {
        "format": "layers-model",
        "modelTopology": {
            "model_config": {key: model_config[key] for key in ("class_name", "config")}
        },
        "weightsManifest": [{"paths": [f"{name}.bin"], "weights": entries}],
    }
    (HERE / f"{name}.json").write_text(json.dumps(layers_model))
    (HERE / f"{name}.bin").write_bytes(blob)
    x = rng.standard_normal(shape).astype(np.float32)
    y = keras.ops.convert_to_numpy(model(x, training=False))
    turned = lambda a: np.ascontiguousarray(np.moveaxis(a, -1, 1)) if a.ndim > 2 else a
    save_file({"input": turned(x), "output": turned(y)}, HERE / f"{name}.safetensors")
    model.save(HERE / f"{name}.keras")
    model.save(HERE / f"{name}.h5")


start = keras.Input((16, 12, 2), name="in")
a = L.Conv2D(4, 3, padding="same", activation="relu")(start)
a = skip = L.BatchNormalization()(a)
a = L.MaxPooling2D()(a)
a = L.Conv2D(6, 3, padding="same", dilation_rate=2)(a)
a = L.LeakyReLU(negative_slope=0.2)(a)
b = L.Conv2DTranspose(4, 3, strides=2, padding="same")(a)
c = L.UpSampling2D(2, interpolation="bilinear")(a)
d = L.Concatenate()([b, skip, c])
d = L.Activation("elu")(L.Conv2D(4, 1, use_bias=False)(d))
d = L.Dropout(0.3)(L.Add()([d, skip]))
end = L.Conv2D(3, 1, activation="softmax", name="out")(d)
store("unet", keras.Model(start, end), (2, 16, 12, 2))

start = keras.Input((8, 6, 7, 1))
a = L.Conv3D(3, 3, strides=2, padding="same", activation="elu")(start)
a = L.ZeroPadding3D(((1, 0), (0, 1), (1, 1)))(a)
a = L.UpSampling3D(2)(L.AveragePooling3D(2, padding="same")(a))
a = L.Conv3DTranspose(2, (2, 3, 2), strides=(1, 2, 2), padding="valid")(a)
store("volume", keras.Model(start, a), (1, 8, 6, 7, 1))

store(
    "dense",
    keras.Sequential(
        [
            keras.Input((8, 9, 2)),
            L.Conv2D(4, 3, padding="valid", strides=2),
            L.PReLU(shared_axes=[1, 2]),
            L.ReLU(max_value=1.5),
            L.Flatten(),
            L.Dense(5, activation="tanh"),
            L.Dense(3, activation="softmax"),
        ]
    ),
    (3, 8, 9, 2),
)

sums = ""
for file in sorted(HERE.iterdir()):
    if file.suffix in (".h5", ".keras", ".json", ".bin", ".safetensors"):
        sums += f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
(HERE / "SHA256SUMS").write_text(sums)
