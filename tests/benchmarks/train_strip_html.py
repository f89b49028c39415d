"""Train the labeller of flows/stages/strip_html.py, and say by cross-validation over sites how good it is.

    python -m tests.benchmarks.train_strip_html --aeb DIR --fundus DIR --traf DIR [--cv] [--out flows/stages/strip_html_model.npz]

Run it where the scorers' `common.py` can be imported (PYTHONPATH). Needs lightgbm, which the stage itself does not.
Gold paragraphs are matched to the lines of the rendered page; what matches only in part is not scored.
"""

import argparse
import gzip
import hashlib
import json
import unicodedata
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import lightgbm
import numpy as np
from common import TOK, WORD, load_aeb, load_fundus, prf, prf_macro, shingle_counts

from flows.readers.html import Page, render
from flows.stages.strip_forest import Forest
from flows.stages.strip_html import ARRAYS, BODY, labelled
from flows.stages.strip_html_features import Seen, features, second
from flows.traced import Traced

FOLDS = 5
TREES = {
    "objective": "binary",
    "num_leaves": 9,
    "learning_rate": 0.06,
    "min_child_samples": 30,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "feature_fraction": 0.25,
    "lambda_l2": 5.0,
}
FIXED = {"seed": 0, "num_threads": 1, "deterministic": True, "force_row_wise": True, "verbose": -1}
FIRST, SECOND = 180, 120  # trees


class Example(NamedTuple):
    """A page and its gold: `labels` by line are 1 content, 0 boilerplate, -1 not scored."""

    source: str
    site: str
    gold: dict
    page: Page
    seen: Seen
    labels: np.ndarray


def tokens(text: str) -> list[str]:
    return TOK.findall(unicodedata.normalize("NFKC", text).casefold())


def by_paragraphs(page: Page, paragraphs: list[str]) -> np.ndarray:
    """A line is content if it is a paragraph, a stretch of one of at least four words, or mostly made of the body's 4-grams."""
    whole = [" ".join(tokens(p)) for p in paragraphs]
    exact, body = set(whole), " \0 ".join(whole)
    words = tokens(" \0 ".join(paragraphs))
    grams = {tuple(words[i : i + 4]) for i in range(len(words) - 3)}
    labels = []
    for e in page.elements:
        line = tokens(page.text.text[e.start : e.end])
        joined = " ".join(line)
        if not line:
            labels.append(-1)
        elif joined in exact or (len(line) >= 4 and joined in body):
            labels.append(1)
        elif len(line) < 4:
            labels.append(0)
        else:
            share = sum(tuple(line[i : i + 4]) in grams for i in range(len(line) - 3)) / (len(line) - 3)
            labels.append(1 if share >= 0.8 else 0 if share <= 0.2 else -1)
    return np.array(labels, np.int8)


LISTS = frozenset(["ul", "ol", "dl", "table"])


def scored(page: Page, seen: Seen, labels: np.ndarray) -> np.ndarray:
    """Without what the gold is silent on: repeats of the body far from it, headlines, and lists and tables that stand among
    its paragraphs, which the parsers that made one of the gold sets leave out."""
    long = [i for i, y in enumerate(labels) if y == 1 and seen.counts[i] >= 12]
    if not long:
        return np.full(len(labels), -1, np.int8)
    labels = labels.copy()
    parents = {page.nodes.parents[page.elements[i].node] for i in long}
    for i, e in enumerate(page.elements):
        silent = (
            page.nodes.tags[e.node] == "h1"
            or (seen.told[0, i] and seen.counts[i] > 3)
            or (long[0] <= i <= long[-1] and _listed(page, e.node) in parents)
        )
        if (labels[i] == 1 and not long[0] - 3 <= i <= long[-1] + 3) or (labels[i] == 0 and silent):
            labels[i] = -1
    return labels


def _listed(page: Page, node: int) -> int | None:
    """The element around the list or table that a line stands in."""
    while node:
        node, tag = page.nodes.parents[node], page.nodes.tags[node]
        if tag in LISTS:
            return node
    return None


def by_strings(page: Page, wanted: list[str], unwanted: list[str]) -> np.ndarray:
    """Lines that hold a string of the gold, or are one with it; all others are not scored."""
    labels = np.full(len(page.elements), -1, np.int8)
    for strings, label in ((wanted, 1), (unwanted, 0)):
        for string in [" ".join(s.split()) for s in strings]:
            for i, e in enumerate(page.elements):
                line = " ".join(page.text.text[e.start : e.end].split())
                if string and (string in line or (len(line) > 20 and line in string)):
                    labels[i] = label
    return labels


def examples(args: argparse.Namespace) -> list[Example]:
    found = []
    for source, site, html, gold in _pages(args):
        page = render(Traced.decoded(html.encode("utf-8", "replace"), "utf-8"))
        if not page.elements:
            continue
        seen = features(page.text.text, page.elements, page.nodes, page.facts)
        labels = (
            scored(page, seen, by_paragraphs(page, gold["paragraphs"]))
            if source != "traf"
            else by_strings(page, gold["with"], gold["without"])
        )
        found.append(Example(source, site, gold, page, seen, labels))
    return found


def _pages(args: argparse.Namespace):
    for d in load_aeb(args.aeb):
        yield "aeb", _outlet(d["url"], d["site"]), d["html"], {"paragraphs": d["paras"], "body": d["body"]}
    for d in load_fundus(args.fundus):
        if d["paras"]:
            yield "fundus", _outlet(d["url"], d["site"]), d["html"], {"paragraphs": d["paras"], "body": "\n".join(d["paras"])}
    root = Path(args.traf)
    for url, gold in json.loads((root / "evaldata.json").read_text(encoding="utf-8")).items():
        file = root / "eval" / (gold["file"] + ".gz")
        if file.exists():
            html = gzip.decompress(file.read_bytes()).decode("utf-8", "replace")
            yield "traf", _outlet(url, url), html, {"with": gold.get("with", []), "without": gold.get("without", [])}


def _outlet(url: str, otherwise: str) -> str:
    """The longest part of the host, so that an outlet's pages of all sets fall into one fold."""
    host = urlsplit(url).netloc
    return max(host.split("."), key=len) if host else otherwise


# ---------------------------------------------------------------- training


def fold(site: str) -> int:
    return int(hashlib.sha1(site.encode()).hexdigest(), 16) % FOLDS


def weights(example: Example) -> np.ndarray:
    """A page counts as a page and its lines by their words; the few strings of the third set count as what they are."""
    words = np.sqrt(np.minimum(example.seen.counts, 60) + 2) * (example.labels >= 0)
    return words * (12 if example.source != "traf" else 2 * (example.labels >= 0).sum() / 6) / max(words.sum(), 1e-9)


def fitted(columns: list[np.ndarray], chosen: list[Example], trees: int) -> lightgbm.Booster:
    x, y, w = np.concatenate(columns, 1).T, np.concatenate([e.labels for e in chosen]), np.concatenate([weights(e) for e in chosen])
    data = lightgbm.Dataset(x[y >= 0], y[y >= 0], weight=w[y >= 0], params=FIXED)
    return lightgbm.train(TREES | FIXED, data, num_boost_round=trees)


def trained(chosen: list[Example], inner: int = 3) -> tuple[lightgbm.Booster, lightgbm.Booster]:
    """Both stages; the second learns from verdicts of first stages that did not see the page's site."""
    first = fitted([e.seen.features for e in chosen], chosen, FIRST)
    columns: list = [None] * len(chosen)
    for k in range(inner):
        held = [i for i, e in enumerate(chosen) if fold(e.site + "inner") % inner == k]
        rest = [e for e in chosen if fold(e.site + "inner") % inner != k]
        model = fitted([e.seen.features for e in rest], rest, FIRST)
        for i in held:
            columns[i] = second(chosen[i].seen, model.predict(chosen[i].seen.features.T))
    return first, fitted(columns, chosen, SECOND)


def content(models, example: Example) -> np.ndarray:
    return models[1].predict(second(example.seen, models[0].predict(example.seen.features.T)).T)


# ---------------------------------------------------------------- scores


def body(example: Example, content: np.ndarray) -> str:
    """The text that the stage would keep as body, given the verdicts on its lines."""
    blocks = labelled(example.page.elements, example.page.nodes, example.seen, content)
    return "\n".join(example.page.text.text[b.start : b.end] for b in blocks if b.unit in BODY)


def scores(found: list[tuple[Example, str]]) -> dict[str, tuple[float, float, float]]:
    """Precision, recall and F1 of kept texts as score_html.py counts them, by set."""
    out = {}
    for source, token in (("aeb", WORD), ("fundus", TOK)):
        out[source] = prf_macro([shingle_counts(e.gold["body"], text, token) for e, text in found if e.source == source])
    hits = [0, 0, 0]
    for e, text in found:
        text = " ".join(text.split())
        if e.source == "traf":
            right = sum(" ".join(s.split()) in text for s in e.gold["with"])
            hits = [
                hits[0] + right,
                hits[1] + sum(" ".join(s.split()) in text for s in e.gold["without"]),
                hits[2] + len(e.gold["with"]) - right,
            ]
    return out | {"traf": prf(*hits)}


def cross_validated(found: list[Example]) -> list[tuple[Example, np.ndarray]]:
    out = []
    for k in range(FOLDS):
        models = trained([e for e in found if fold(e.site) != k])
        out += [(e, content(models, e)) for e in found if fold(e.site) == k]
    return out


# ---------------------------------------------------------------- export


def exported(model: lightgbm.Booster) -> Forest:
    """Eight comparisons a tree, the missing ones always false, and the leaf that each byte of answers leads to."""
    columns, thresholds, values = [], [], []
    for tree in model.dump_model()["tree_info"]:
        splits: list[dict] = []
        _collect(tree["tree_structure"], splits)
        columns.append([s["split_feature"] for s in splits] + [0] * (8 - len(splits)))
        thresholds.append([_single(s["threshold"]) for s in splits] + [np.inf] * (8 - len(splits)))
        places = {id(s): 7 - i for i, s in enumerate(splits)}
        values.append([_leaf(tree["tree_structure"], places, byte) for byte in range(256)])
    return Forest(np.array(columns, np.int16).T.ravel(), np.array(thresholds, np.float32).T.ravel(), np.array(values, np.float32).ravel())


def _collect(node: dict, splits: list[dict]) -> None:
    if "split_feature" in node:
        splits.append(node)
        _collect(node["left_child"], splits)
        _collect(node["right_child"], splits)


def _leaf(node: dict, places: dict[int, int], byte: int) -> float:
    while "split_feature" in node:
        node = node["right_child" if byte >> places[id(node)] & 1 else "left_child"]
    return node["leaf_value"]


def _single(threshold: float) -> np.float32:
    """The greatest number of single precision that is not greater: columns of single precision compare with it as with the threshold."""
    single = np.float32(threshold)
    return single if float(single) <= threshold else np.nextafter(single, np.float32(-np.inf))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("aeb", "fundus", "traf"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--cv", action="store_true", help="cross-validate instead of training on everything")
    parser.add_argument("--out", default="flows/stages/strip_html_model.npz")
    args = parser.parse_args()
    found = examples(args)
    if args.cv:
        for source, (p, r, f) in scores([(e, body(e, content)) for e, content in cross_validated(found)]).items():
            print(f"{source:7} P {p:.4f} R {r:.4f} F1 {f:.4f}")
        return
    stages = dict(zip(("first", "second"), map(exported, trained(found)), strict=True))
    arrays = {f"{stage}_{name}": array for stage, trees in stages.items() for name, array in zip(ARRAYS, trees, strict=True)}
    np.savez_compressed(args.out, **arrays)


if __name__ == "__main__":
    main()
