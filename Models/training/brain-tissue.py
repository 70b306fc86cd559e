#!/usr/bin/env python3
"""Writes brain-tissue.json, the table of three tissues, from brain-any-contrast.json.

usage: brain-tissue.py brain-any-contrast.json > brain-tissue.json

Needed when the table is made anew, not for training.
"""
import json
import sys

# FreeSurfer's numbers. The brain stem and the ventral diencephalon are mostly white matter; the
# ventricles hold the same fluid as the space about the brain.
WHITE = {2, 41, 7, 46, 16, 28, 60}
FLUID = {4, 5, 14, 15, 24, 43, 44}


def main(path):
    with open(path, encoding="utf-8") as file:
        source = json.load(file)
    numbers = list(source["labels"].values())
    entries = source["synthesis"]["entries"]
    for entry in entries:
        if entry["output"]:
            number = numbers[entry["output"] - 1]
            entry["output"] = 2 if number in WHITE else 3 if number in FLUID else 1
    document = {
        "name": "brain-tissue-slices",
        "reference": source["reference"],
        "licence": source["licence"],
        "labels": {"Grey-Matter": 1, "White-Matter": 2, "CSF": 3},
    }
    rows = ",\n".join("      " + json.dumps(entry) for entry in entries)
    head = json.dumps(document, indent=2)
    print(head[:-2] + ',\n  "synthesis": {\n    "entries": [\n' + rows + "\n    ]\n  }\n}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
