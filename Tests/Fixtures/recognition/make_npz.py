"""Makes small.npz and findings.npz: arrays in MedMNIST's layout, of numbers that count upwards."""

import numpy as np

images = (np.arange(8 * 30) % 256).astype(np.uint8).reshape(8, 6, 5)
labels = np.array([[0], [1], [0], [1], [1], [0], [0], [1]], dtype=np.uint8)
np.savez(
    "small.npz",
    train_images=images[:4], train_labels=labels[:4],
    val_images=images[4:6], val_labels=labels[4:6],
    test_images=images[6:], test_labels=labels[6:],
)
colours = (np.arange(3 * 4 * 4 * 3) % 256).astype(np.uint8).reshape(3, 4, 4, 3)
np.savez(
    "findings.npz",
    train_images=colours,
    train_labels=np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]], dtype=np.int64),
)
