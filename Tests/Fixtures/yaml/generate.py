"""Writes texts in YAML with what PyYAML's safe loader makes of them, as cases.json in this folder.

Run with Python 3 and PyYAML 6: python generate.py [COUNT FILE]
Texts are written here by hand, or drawn by a seeded generator and written by PyYAML in its styles. "value" is the
result; texts that PyYAML refuses have none. COUNT drawn texts go to FILE instead of the 40 that are kept.
"""

import json
import pathlib
import random
import sys

import yaml

HERE = pathlib.Path(__file__).parent

SCALARS = """
0 7 -7 +7 1_000 010 0o7 08 09.5 0x1F 0xZZ 0b101 1:30 1:30:20 01:30 1:75 12:30:45.5 1.5 -1.5 +.5 .5 5. . -. 1.5e3
1.5e+3 1.5e-3 1e3 1e-3 1.e+3 .5e+1 1_0.5 1__0 _1 1.2.3 .inf -.inf +.Inf .INF inf nan ~ null Null nULL NULL none
yes Yes yEs no NO on Off true True TRUE tRUE false y n True,False a b-c a-b -a --a ?a :a a:b a#b a!b a&b a*b
$x $[96]*3 http://a.b/c#d 'a' '' "" 'it''s' "a\\tb" "\\x41\\u00e9\\U0001F600" 'a\\n' a'b a"b 2020-01-02
1,2 a,b %% a% e5 1e 1.e - -1. 0.0 -0 00 0x 0b -0x10 - 1e5.0
""".split()

TEXTS = [
    "", "# nothing\n", "---\n", "--- a\n", "---\na: 1\n...\n", "a", "a\nb\n", "a\n\nb\n", "a  # c\n",
    "a: 1\nb: 2", "a:\n  b:\n    c: 1\n  d: 2\ne: 3\n", "a:\n- 1\n- 2\nb:\n  - 3\n  -   4\n",
    "- a\n- b: 1\n  c: 2\n-\n  d: 3\n- - 1\n  - 2\n- - - x\n", "-\n- a\n-\n", "a:\nb: 1\nc:\n",
    "a: b\n  c\n  d\n\n  e\nf: g\n", "a: 'b\n  c\n\n  d'\n", 'a: "b\n  c \\\n   d\\n\n  e"\n', "a: 'x' # y\n",
    "a: |\n  b\n   c\n\n  d\n\n\nb: 1\n", "a: |-\n  b\n\n", "a: |+\n  b\n\n\nc: d\n", "a: >\n  b\n  c\n\n  d\n   e\n  f\n",
    "a: >-\n  b\n\n\n  c\n", "a: |2\n   b\n  c\n", "- |\n  a\n- >+\n  b\n\n", "a: |\nb: 1\n", "a: |\n", "a: | # c\n  d\n",
    "a: [1, 2, 'b', [3, {c: d}], ]\n", "a: {b: 1, c: [2], 'd': {}, e: , f}\n", "a: [\n  1, # one\n  2\n  ]\n",
    "a: {b: c\n  d, e: f}\n", '{"a": 1, "b":[true,null], "c":{"d":"e"}}\n', "[a b, c d]\n", "[]\n", "{}\n", "[[], {}]\n",
    "a: {b:c, d: e}\n", "a: [b:c, d]\n", "a: {\"b\":c}\n", "? a\n: b\n", "'a': 1\n\"b\": 2\n", "a b: 1\n", "a : 1\n", "1: 2\n",
    "a: \tb\n", "a:\t\n  b: 1\n", "a: b\t\n", "- \ta\n", "a: $@b + '/c'\n", "a: $@b[1:]\n", "a: '@b::0'\nc: \"%d\"\n",
    "a: https://x.y:80/z\n", "a: -1\nb: - 1\n", "a: b: c\n", "a: - b\n", "a: [1, 2\n", "a: {b: 1\n", "a: 'b\n", "a: b\n c: d\n",
    "a:\n  b: 1\n c: 2\n", "a: 1\n  b: 2\n", "- a\nb: c\n", "a: @b\n", "a: %b\n", "a: `b\n", "a: [1 2] 3\n", "a: 'b' c\n",
    "- a\n - b\n", "a: \"\\q\"\n", "\ta: 1\n", "a:\n\tb: 1\n", "a: ]\n", "a: }\n", "a: , b\n", "a\nb: c\n", "a: >x\n  b\n",
    "a: b\n...\nc: d\n", "\ufeffa: 1\n", "a: 1\r\nb:\r\n- 2\r\n", "a: 1\rb: 2\r", "é: ü\n", "a: '\n  '\n", "a: \"\n\n  b\"\n",
    "a:\n  - b\n  # c\n  - d\n", "a: b # c\n  d\n", "a: b\n  # c\n", "a: b\n# c\n  d: e\n", "  a: 1\n  b: 2\n", "a:\n    b\n",
    "a:\n    - b:\n        c\n", "a: ''''\n", "a: [a, 'b': c]\n", "a: [b: c]\n", "a: {b, c}\n", "[1, , 2]\n", "[, 1]\n", "{a: 1,, b: 2}\n",
    "a: |1-\n  b\n", "a: |-1\n  b\n", "- - |\n   x\n  - y\n", "a: >\n\n  b\n", "a: >\n   b\n  c\n", "a:\n  |\n  b\n", "a:\n  'b'\n",
    "a:\n  [1,\n  2]\n", "a: [1,\n2]\n", "a: {\n}\n", "a: {b:\n c}\n", "a: b\n\n\n\nc: d\n\n", "a: \"b\": c\n", "a b\n c d\n",
]


def drawn(source, depth):
    kind = source.random()
    if depth == 0 or kind < 0.45:
        return source.choice([
            None, True, False, 0, -3, 12.5, 1e-5, 3e20, "", "a", "two words", "  edges ", "line\nline\n", "a\n\n b\n",
            "yes", "1e-3", "0x1", "-", "- a", "a: b", "a #b", "#a", "@a::1", "%b", "$[1] * 3", "it's", 'a "b"', "[a", "{b}",
            "tab\there", "end:", "é ü", "x" * 90, "word " * 30, "null", "~", "&a", "*b", "!c", "| d", "> e", ",", "?", "? a",
            "\n", "a\n", "\na", " a\nb", "a  \nb", "\u2028", "\x07", "---", "...", "--- a",
        ])
    if kind < 0.75:
        return [drawn(source, depth - 1) for _ in range(source.randrange(4))]
    keys = ["a", "b", "_target_", "key with spaces", "c#d", "- e", "f: g", "1", "true", "e", "é"]
    return {key: drawn(source, depth - 1) for key in source.sample(keys, source.randrange(4))}


def written(source):
    value = drawn(source, 4)
    return yaml.safe_dump(
        value, sort_keys=False, width=source.choice([20, 60, 200]), indent=source.choice([2, 4]),
        default_flow_style=source.choice([None, True, False]), allow_unicode=source.random() < 0.5,
        default_style=source.choice([None, None, None, "'", '"', "|", ">"]), explicit_start=source.random() < 0.3)


def case(text):
    try:
        # Dates become texts here, and keys are texts.
        value = yaml.load(text, Loader=Plain)
    except (yaml.YAMLError, ValueError):
        return {"yaml": text}
    return {"yaml": text, "value": value}


class Plain(yaml.SafeLoader):
    def construct_object(self, node, deep=False):
        return super().construct_object(node, deep=True)

    def construct_mapping(self, node, deep=False):
        return {key.value: self.construct_object(value) for key, value in node.value}


Plain.yaml_implicit_resolvers = {
    first: [entry for entry in entries if entry[0] != "tag:yaml.org,2002:timestamp"]
    for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Plain.add_constructor("tag:yaml.org,2002:map", Plain.construct_mapping)

source = random.Random(7)
count = int(sys.argv[1]) if len(sys.argv) > 1 else 40
# Texts with tags are not read, nor those with line separators as they are.
texts = [t for t in (written(source) for _ in range(2 * count)) if not any(mark in t for mark in ("!!", "\u2028"))][:count]
if len(sys.argv) <= 1:
    texts = TEXTS + [f"a: {s}\n" for s in SCALARS] + [f"[{s}]\n" for s in SCALARS] + texts
cases = [case(text) for text in texts]
(pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "cases.json").write_text(
    json.dumps(cases, indent=0) + "\n")
print(len(cases), "texts,", sum("value" not in c for c in cases), "refused, by PyYAML", yaml.__version__)
