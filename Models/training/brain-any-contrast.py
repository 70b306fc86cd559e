#!/usr/bin/env python3
"""Writes brain-any-contrast.json from the tables of SynthSeg's 20 training label maps.

usage: brain-any-contrast.py FOLDER > brain-any-contrast.json

FOLDER holds generation_labels.npy, generation_classes.npy, synthseg_segmentation_labels.npy and
prior_means_t1.npy of https://github.com/BBillot/SynthSeg (Apache-2.0). Needed when the table is made
anew, not for training.
"""
import json
import sys
from pathlib import Path

import numpy as np

# FreeSurfer's numbers and names of what is learned; a class is the place in this list, from 1.
SIDED = {
    2: "Cerebral-White-Matter", 3: "Cerebral-Cortex", 4: "Lateral-Ventricle", 5: "Inf-Lat-Vent",
    7: "Cerebellum-White-Matter", 8: "Cerebellum-Cortex", 10: "Thalamus", 11: "Caudate",
    12: "Putamen", 13: "Pallidum", 17: "Hippocampus", 18: "Amygdala", 26: "Accumbens-area",
    28: "VentralDC",
}
MIDLINE = {14: "3rd-Ventricle", 15: "4th-Ventricle", 16: "Brain-Stem", 24: "CSF"}
# Left and right numbers, also of labels that are not learned (lesions, vessels, ventricles' rims).
PAIRS = {
    2: 41, 3: 42, 4: 43, 5: 44, 7: 46, 8: 47, 10: 49, 11: 50, 12: 51, 13: 52, 17: 53, 18: 54,
    25: 57, 26: 58, 28: 60, 30: 62, 136: 163, 137: 164,
}
# Mean intensities in T1-weighted images of what the priors' 25 classes do not name for certain:
# ours, between the priors' cortex (96) and white matter (160), in the order that T1 gives.
T1_MEANS = {
    10: 130, 11: 106, 12: 116, 13: 142, 16: 140, 17: 97, 18: 96, 25: 125, 26: 106, 28: 136, 30: 90,
    85: 124, 136: 75, 137: 75,
}


def main(folder):
    def read(name):
        return np.load(folder / (name + ".npy"))

    labels = read("generation_labels").tolist()
    classes = read("generation_classes").tolist()
    targets = read("synthseg_segmentation_labels").tolist()
    means, deviations = read("prior_means_t1").tolist()

    names = dict(MIDLINE)
    for left, name in SIDED.items():
        names[left] = "Left-" + name
        names[PAIRS[left]] = "Right-" + name
    learned = sorted(names)
    mirrored = {**PAIRS, **{right: left for left, right in PAIRS.items()}}

    # The priors' 25 classes are background, fluid, cerebral white matter and cortex, cerebellar white
    # matter and cortex, eight more of the brain, and the labels from 500 in order. No file says so;
    # we conclude it from their values and number (the vitreous body and the skull are dark).
    prior = {0: 0, 2: 2, 3: 3, 7: 4, 8: 5, **dict.fromkeys([4, 5, 14, 15, 24, 72], 1)}
    outside = [label for label in labels if label >= 500]
    assert len(outside) == 11 and len(means) == 25
    prior |= {label: 14 + place for place, label in enumerate(outside)}

    entries = []
    for label, intensity, target in zip(labels, classes, targets):
        if label == 24:
            target = 24  # The fluid about the brain, which SynthSeg learns from version 2 on.
        entry = {
            "label": label,
            "intensity": intensity,
            "output": 0 if target == 0 else learned.index(target) + 1,
            "mirrored": mirrored.get(label, label),
        }
        if label == 24:
            entry["region"] = "fluid"
        left = min(label, entry["mirrored"])
        if left in prior:
            entry["t1Mean"] = round(means[prior[left]], 1)
            entry["t1Deviation"] = round(deviations[prior[left]], 1)
        else:
            entry["t1Mean"] = T1_MEANS[left]
            entry["t1Deviation"] = 12
        entries.append(entry)

    document = {
        "name": "brain-any-contrast",
        "reference": "Labels, groups of intensities and part of the T1 means: SynthSeg, "
        "https://github.com/BBillot/SynthSeg (Billot et al., 2023, Medical Image Analysis 86, 102789)",
        "licence": "Apache-2.0",
        "labels": {names[number]: number for number in learned},
        "totals": [
            {
                "name": "Intracranial volume",
                "labels": list(learned),
                "definition": "all structures and the fluid in and about the brain; without "
                "meninges, and short where the scan was cut to the brain",
            }
        ],
    }
    head = json.dumps(document, indent=2)
    rows = ",\n".join("      " + json.dumps(entry) for entry in entries)
    print(head[:-2] + ',\n  "synthesis": {\n    "entries": [\n' + rows + "\n    ]\n  }\n}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
