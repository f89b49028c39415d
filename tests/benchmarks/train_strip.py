"""Train the labeller of plain-text lines (flows/stages/strip_model.npz), and score it by cross-validation over sites.

    python tests/benchmarks/train_strip.py --bench DIR [--out flows/stages]

DIR holds the data, which stays outside this repository: `lines/lines.jsonl.gz` (rendered pages with a label per line), `fundus`, `aeb`
and `traf` (saved pages, rendered here again for their titles), and the modules `common` and `score_lines` that read them. Needs
lightgbm, lxml, resiliparse, inscriptis and rapidfuzz beside the project's own dependencies; at run time none of them is used.

Without --out it only scores. Labels: 1 the line is part of the body, 0 not, -1 not known. A title's label: the line's words
are those of the page's own headline (the gold one, or an h1 that og:title or the head's title confirms).
"""

import argparse
import gzip
import hashlib
import json
import random
import re
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import lightgbm
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from flows.stages import strip_forest as forest
from flows.stages import strip_front, strip_labels, strip_lines
from flows.stages.strip import strip
from flows.traced import Traced

RENDERERS = ("resiliparse", "inscriptis")
FOLDS, INNER = 5, 4
TREES = {"line": 64, "page": 48, "title": 50}
# Nine leaves: a tree's eight comparisons are one byte at run time. The rest was tuned by cross-validation.
SETTINGS = {
    "objective": "binary", "num_leaves": 9, "learning_rate": 0.15, "min_data_in_leaf": 40, "feature_fraction": 0.5, "bagging_fraction": 0.8,
    "bagging_freq": 1, "lambda_l2": 5, "max_bin": 127, "verbose": -1, "num_threads": 1, "seed": 1, "deterministic": True,
}  # fmt: skip
CROPS, CROP_WEIGHT = 3, 0.35  # pages cut down to their article and little around it, as people save text
SILVER_WEIGHT = 0.6  # of a title known by its h1, against one from the gold set


class Page(NamedTuple):
    """One rendered page: labels per line (None: not labelled), the words of its title, and of the gold one."""

    id: str
    site: str
    language: str
    renderer: str
    lines: list[str]
    labels: list[int | None] | None
    titles: tuple[str, ...]
    gold_title: str | None
    crop: bool = False


class Sample(NamedTuple):
    page: Page
    features: np.ndarray
    words: np.ndarray
    chars: np.ndarray
    labels: np.ndarray | None
    titled: np.ndarray | None
    fold: int
    inner: int


# ---------------------------------------------------------------- data


def squeezed(text: str) -> str:
    return re.sub(r"[^\w]+", " ", unicodedata.normalize("NFKC", text or "").casefold()).strip()


def h1_of(html: str) -> str | None:
    """The page's h1, where og:title or the head's title confirms it."""
    from lxml import etree
    from lxml import html as parser

    try:
        tree = parser.fromstring(html.encode("utf-8"), parser=parser.HTMLParser(encoding="utf-8"))
    except (etree.LxmlError, ValueError):
        return None
    heads = [squeezed(x or "") for x in tree.xpath("//meta[@property='og:title']/@content") + [e.text for e in tree.xpath("//head/title")]]
    for h1 in tree.xpath("//h1"):
        words = squeezed(" ".join(h1.itertext()))
        if len(words) > 8 and any(words in head for head in heads):
            return words
    return None


def load_pages(bench: Path) -> list[Page]:
    sys.path.insert(0, str(bench))
    import common

    labels, languages = {}, {}
    with gzip.open(bench / "lines" / "lines.jsonl.gz", "rt", encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            labels[row["id"], row["how"]] = row["lines"], row["labels"]
            languages[row["id"]] = row["lang"]
    loaded = [*common.load_fundus(bench / "fundus"), *common.load_aeb(bench / "aeb")]
    saved = [(d["id"], d["site"], d["html"], d.get("title")) for d in loaded]
    pages = []
    for id_, site, html, title in [*saved, *load_traf(bench / "traf")]:
        titles = tuple(t for t in (squeezed(title or ""), h1_of(html)) if t)
        for renderer in RENDERERS:
            lines, known = labels.get((id_, renderer)) or (rendered(html, renderer), None)
            gold = squeezed(title) if title else None
            pages.append(Page(id_, site, languages.get(id_, "?"), renderer, [clean(x) for x in lines], known, titles, gold))
    return pages


def load_traf(folder: Path):
    """Pages without labels: their titles only, in one of the two renderings."""
    for url, row in json.loads((folder / "evaldata.json").read_text(encoding="utf-8")).items():
        path = folder / "eval" / f"{row['file']}.gz"
        if path.exists():
            html = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
            yield row["file"], (urlsplit(url).hostname or url).removeprefix("www."), html, None


def rendered(html: str, renderer: str) -> list[str]:
    from score_lines import render

    return render(html, renderer).split("\n")


def clean(line: str) -> str:
    return re.sub(rf"[ \t\u00a0{strip_lines.LINE_ENDS}]+", " ", line).strip()


def cropped(page: Page, rng: random.Random) -> Page | None:
    """The article and a little of what stands around it; with or without blank lines and with some clutter dropped."""
    body = [i for i, label in enumerate(page.labels) if label == 1]
    if len(body) < 3:
        return None
    start = max(0, body[0] - rng.choice((0, 1, 2, 4, 8, 14)) - rng.choice((0, 0, 4, 10)))
    end = body[-1] + 1 + rng.choice((0, 0, 1, 2, 4, 8, 14))
    blank, drop, untitled = rng.random() < 0.5, rng.choice((0, 0.5, 0.9)), rng.random() < 0.25
    rows = [
        (x, y)
        for x, y in list(zip(page.lines, page.labels, strict=True))[start:end]
        if (x or blank) and not (y == 0 and rng.random() < drop) and not (untitled and squeezed(x) in page.titles)
    ]
    return page._replace(lines=[x for x, _ in rows], labels=[y for _, y in rows], crop=True)


def is_title(line: str, titles: tuple[str, ...]) -> int:
    """1 for the title, -1 (not to be learned from) for a good part of it or for more than it."""
    if line in titles:
        return 1
    near = len(line) > 15 and any(line in t or t in line for t in titles)
    return -1 if near else 0


def digest(text: str, parts: int) -> int:
    return int(hashlib.sha1(text.encode()).hexdigest(), 16) // 7 % parts


def sample(page: Page) -> Sample | None:
    parsed = strip_lines.parse("\n".join(page.lines))
    if not parsed.lines or len(parsed.lines) > 3000:
        return None
    features = forest.line_features(parsed, strip_lines.named_rules(parsed)).T
    labels = None
    if page.labels:
        labels = np.array([-1 if y is None else y for x, y in zip(page.lines, page.labels, strict=True) if x])
    titled = np.array([is_title(squeezed(x), page.titles) for x in parsed.lines]) if page.titles else None
    chars = np.array([len(x) for x in parsed.lines])
    return Sample(page, features, parsed.shapes[1], chars, labels, titled, digest(page.site, FOLDS), digest("inner" + page.site, INNER))


def load_samples(pages: list[Page]) -> list[Sample]:
    rng = random.Random(5)
    labelled = [page for page in pages if page.labels]
    # One rendering of a page that gives a title only is enough.
    titles = [page for page in pages if not page.labels and page.titles and RENDERERS[digest(page.id, 2)] == page.renderer]
    crops = [crop for page in labelled for crop in [cropped(page, rng) for _ in range(CROPS)] if crop]
    return [s for s in map(sample, [*labelled, *crops, *titles]) if s]


# ---------------------------------------------------------------- training


def boosted(name: str, rows: list[np.ndarray], labels: list[np.ndarray], weights: list[np.ndarray]) -> forest.Forest:
    x, y, w = np.vstack(rows), np.concatenate(labels), np.concatenate(weights)
    known = y >= 0
    data = lightgbm.Dataset(x[known], y[known], weight=w[known])
    return exported(lightgbm.train(SETTINGS, data, TREES[name]).dump_model()["tree_info"])


def exported(trees: list[dict]) -> forest.Forest:
    """Comparison k of tree t stands at k * trees + t; unused ones never hold."""
    n = len(trees)
    feature, threshold = np.zeros(8 * n, np.int16), np.full(8 * n, np.inf, np.float32)
    table = np.zeros((n, 256), np.float32)
    for t, tree in enumerate(trees):
        nodes: list[dict] = []
        collect(tree["tree_structure"], nodes)
        for k, node in enumerate(nodes):
            at = np.float32(node["threshold"])
            at = np.nextafter(at, np.float32(-np.inf)) if at > node["threshold"] else at
            feature[k * n + t], threshold[k * n + t] = node["split_feature"], at
        place = {node["split_index"]: k for k, node in enumerate(nodes)}
        table[t] = [value(tree["tree_structure"], answers, place) for answers in range(256)]
    return forest.Forest(feature, threshold, np.round(table, 5).ravel())


def collect(node: dict, nodes: list[dict]) -> None:
    if "split_index" in node:
        nodes.append(node)
        collect(node["left_child"], nodes)
        collect(node["right_child"], nodes)


def value(node: dict, answers: int, place: dict[int, int]) -> float:
    while "split_index" in node:
        node = node["right_child"] if answers >> (7 - place[node["split_index"]]) & 1 else node["left_child"]
    return node["leaf_value"]


def line_weights(s: Sample) -> np.ndarray:
    """Long lines count for their characters, pages for the root of their length."""
    weights = (0.3 + np.minimum(s.chars, 300) / 100) / np.sqrt(len(s.chars) / 100 + 0.3)
    return weights * (CROP_WEIGHT if s.page.crop else 1)


def train(samples: list[Sample]) -> dict[str, forest.Forest]:
    """All three forests. The later two see what the first says of pages of other sites than those it learned from."""
    gold = [s for s in samples if s.labels is not None]

    def lines(some: list[Sample]) -> forest.Forest:
        return boosted("line", [s.features for s in some], [s.labels for s in some], [line_weights(s) for s in some])

    line = lines(gold)
    others = [lines([s for s in gold if s.inner != inner]) for inner in range(INNER)]
    contexts = {}
    for i, s in enumerate(samples):
        said = forest.probability(others[s.inner], s.features.T)
        contexts[i] = forest.context_features(s.features.T, s.words, said).T
    known = [(contexts[i], s) for i, s in enumerate(samples) if s.labels is not None]
    page = boosted("page", [x for x, _ in known], [s.labels for _, s in known], [line_weights(s) for _, s in known])
    titled = [(contexts[i], s, candidates(s)) for i, s in enumerate(samples) if s.titled is not None]
    weights = [np.full(c.sum(), (1.0 if s.page.gold_title else SILVER_WEIGHT) * (CROP_WEIGHT if s.page.crop else 1)) for _, s, c in titled]
    title = boosted("title", [x[c] for x, _, c in titled], [s.titled[c] for _, s, c in titled], weights)
    return {"line": line, "page": page, "title": title}


def candidates(s: Sample) -> np.ndarray:
    return (s.words >= strip_front.TITLE_WORDS[0]) & (s.words <= strip_front.TITLE_WORDS[1])


# ---------------------------------------------------------------- scores


def f1(tp: float, fp: float, fn: float) -> float:
    return 2 * tp / max(2 * tp + fp + fn, 1e-9)


EVIDENCE = strip_labels.evidence
RIGHT = 0.9  # F1 of a page's characters from which it counts as right


def calibrated(seen: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Weights of a logistic regression, slightly held back, by Newton's method."""
    weights, hold = np.zeros(seen.shape[1]), np.diag([1e-3, *[0.3] * (seen.shape[1] - 1)])
    for _ in range(30):
        p = 1 / (1 + np.exp(-seen @ weights))
        slope = seen.T @ (p - right) + hold @ weights
        weights = weights - np.linalg.solve((seen.T * (p * (1 - p))) @ seen + hold, slope)
    return weights


def calibration(rows: list[tuple]) -> tuple[np.ndarray, dict]:
    """The weights of a page's confidence, and how well it holds on folds they were not fitted on."""
    folds, seen, right = np.array([r[0] for r in rows]), np.array([r[1] for r in rows]), np.array([r[2] for r in rows], float)
    said = np.zeros(len(rows))
    for fold in set(folds.tolist()):
        said[folds == fold] = 1 / (1 + np.exp(-seen[folds == fold] @ calibrated(seen[folds != fold], right[folds != fold])))
    bins = [(said >= low) & (said < high) for low, high in ((0, 0.5), (0.5, 0.8), (0.8, 0.9), (0.9, 0.95), (0.95, 1.01))]
    means = [(int(b.sum()), round(float(said[b].mean()), 3), round(float(right[b].mean()), 3)) for b in bins if b.any()]
    table = [dict(zip(("pages", "said", "right"), row, strict=True)) for row in means]
    order = np.argsort(said)
    ranks = np.empty(len(said))
    ranks[order] = np.arange(len(said))
    auc = (ranks[right == 1].mean() - ranks[right == 0].mean()) / len(said) + 0.5
    brier = float(((said - right) ** 2).mean())
    figures = {"share_right": round(float(right.mean()), 3), "brier": round(brier, 4), "auc": round(float(auc), 3), "by_confidence": table}
    return calibrated(seen, right), figures


def scored(pages: list[Page]) -> dict[str, list]:
    """The stage, with the model in place, on pages: counts of lines and characters, and titles."""
    out = defaultdict(list)
    for page in pages:
        evidence: list[np.ndarray] = []
        strip_labels.evidence = lambda *seen, told=evidence: told.append(EVIDENCE(*seen)) or told[-1]
        stripped = strip(Traced.decoded("\n".join(page.lines).encode("utf-8", "replace"), "utf-8"))
        if page.labels:
            kept = np.array([b.unit in strip_labels.BODY_UNITS for b in stripped.blocks])
            labels = np.array([-1 if y is None else y for x, y in zip(page.lines, page.labels, strict=True) if x])
            chars = np.array([b.end - b.start for b in stripped.blocks])
            wrong = [kept & (labels == 1), kept & (labels == 0), ~kept & (labels == 1)]
            out["evidence"] += [(digest(page.site, FOLDS), e, f1(*[chars[m].sum() for m in wrong]) >= RIGHT) for e in evidence]
            out["lines"].append((page.language, *[int(m.sum()) for m in wrong], *[int(chars[m].sum()) for m in wrong]))
        if page.gold_title and not page.crop:
            title = next((stripped.text.text[b.start : b.end] for b in stripped.kept if b.unit == "title"), None)
            present = any(squeezed(x) == page.gold_title for x in page.lines)
            out[f"title {page.renderer}"].append((title is not None, squeezed(title or "") == page.gold_title, present))
    return out


def summary(out: dict[str, list]) -> dict[str, float]:
    rows = out["lines"]

    def chars(some):
        return round(f1(*[sum(r[k] for r in some) for k in (4, 5, 6)]), 4)

    figures = {
        "pages": len(rows), "char_f1": chars(rows), "macro_char_f1": round(float(np.mean([f1(*r[4:]) for r in rows])), 4),
        "line_f1": round(f1(*[sum(r[k] for r in rows) for k in (1, 2, 3)]), 4),
        "perfect_pages": round(sum(not r[2] and not r[3] for r in rows) / len(rows), 4),
        "char_f1_not_english": chars([r for r in rows if r[0] != "en"]),
    }  # fmt: skip
    figures["char_f1_by_language"] = {lang: chars([r for r in rows if r[0] == lang]) for lang in sorted({r[0] for r in rows})}
    for renderer in RENDERERS:
        titles = out[f"title {renderer}"]
        given, right, present = (sum(t[k] for t in titles) for k in range(3))
        shares = {"exact": right / len(titles), "precision": right / max(given, 1), "ceiling": present / len(titles)}
        figures[f"title_{renderer}"] = {"pages": len(titles)} | {name: round(share, 4) for name, share in shares.items()}
    return figures


def cross_validated(pages: list[Page], samples: list[Sample]) -> tuple[dict[str, float], np.ndarray]:
    """The scores, and the weights of a page's confidence."""
    unknown = np.zeros(len(EVIDENCE({}, np.zeros(1), np.zeros((2, 1)))))
    strip_labels.calibration = lambda: unknown
    out = defaultdict(list)
    for fold in range(FOLDS):
        model = train([s for s in samples if s.fold != fold])
        forest.model = strip_front.model = lambda model=model: model
        held = [page for page in pages if digest(page.site, FOLDS) == fold and (page.labels or page.gold_title)]
        for key, rows in scored(held).items():
            out[key] += rows
    weights, figures = calibration(out["evidence"])
    return summary(out) | {"confidence": figures}, weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    pages = load_pages(args.bench)
    samples = load_samples(pages)
    figures, weights = cross_validated(pages, samples)
    print(json.dumps(figures, indent=1))
    if args.out:
        write(args.out, train(samples), weights, figures)


def write(folder: Path, forests: dict[str, forest.Forest], weights: np.ndarray, figures: dict) -> None:
    arrays = {f"{name}_{field}": getattr(forest, field) for name, forest in forests.items() for field in forest.Forest._fields}
    np.savez_compressed(folder / "strip_model.npz", **arrays, confidence=np.round(weights, 3))
    card = json.loads((folder / "strip_model.json").read_text(encoding="utf-8"))
    card["cross_validation_by_site"] = figures
    card["trees"] = TREES
    (folder / "strip_model.json").write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
