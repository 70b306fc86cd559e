"""Writes BLEU scores by NLTK and sacrebleu of made sentences, as scores.json in this folder.

Run with Python 3, nltk and sacrebleu: python generate.py
Words are drawn by the seed below. "bleu" are NLTK's corpus scores of one to four words without
smoothing, 0 to 1; "sacrebleu" is sacrebleu's of four words, which must be the same.
"""

import json
import pathlib
import random

import sacrebleu
from nltk.translate.bleu_score import corpus_bleu

HERE = pathlib.Path(__file__).parent
WORDS = "no one two three red white cells cell platelets and , about large small the".split()
random.seed(7)


def sentence(least, most):
    return [random.choice(WORDS) for _ in range(random.randint(least, most))]


def changed(words):
    """The sentence with a few words replaced, lost or doubled."""
    result = []
    for word in words:
        chance = random.random()
        if chance < 0.12:
            continue
        result.append(random.choice(WORDS) if chance < 0.25 else word)
        if chance > 0.93:
            result.append(word)
    return result or ["the"]


def corpus(count, most_references, shorter=False):
    references = [[sentence(6, 16)] for _ in range(count)]
    for known in references:
        known += [changed(known[0]) for _ in range(random.randint(0, most_references - 1))]
    candidates = [changed(known[0]) for known in references]
    if shorter:
        candidates = [words[: max(4, len(words) - 3)] for words in candidates]
    weights = [tuple([1 / n] * n + [0] * (4 - n)) for n in range(1, 5)]
    streams = max(len(known) for known in references)
    by_stream = [
        [" ".join(known[i]) if i < len(known) else None for known in references]
        for i in range(streams)
    ]
    other = sacrebleu.corpus_bleu(
        [" ".join(words) for words in candidates],
        by_stream,
        smooth_method="none",
        tokenize="none",
        force=True,
    )
    return {
        "candidates": candidates,
        "references": references,
        "bleu": [corpus_bleu(references, candidates, weights=w) for w in weights],
        "sacrebleu": other.score / 100,
    }


content = [corpus(12, 1), corpus(9, 3), corpus(10, 2, shorter=True)]
for entry in content:
    assert abs(entry["bleu"][3] - entry["sacrebleu"]) < 1e-9, entry
(HERE / "scores.json").write_text(json.dumps(content) + "\n")
