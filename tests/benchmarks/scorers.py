"""The stages as the scorers of a benchmark call them: plain values in, plain values out."""

import os
from functools import cache
from itertools import accumulate
from pathlib import Path

from flows.readers.html import render
from flows.stages.strip import strip
from flows.stages.strip_html import BODY, label
from flows.stages.strip_labels import BODY_UNITS
from flows.traced import Traced


def _traced(text: str) -> Traced:
    return Traced.decoded(text.encode("utf-8", "surrogatepass"), "utf-8")


def decode(data: bytes) -> str:
    from flows.stages.decode import decode

    return decode(data).text.text


def repair(text: str) -> str:
    from flows.stages.repair import repair

    return repair(_traced(text)).text


def strip_lines(lines: list[str]) -> list[bool]:
    kept = {start for start, _, unit, _, _ in strip(_traced("\n".join(lines))).blocks if unit and unit in BODY_UNITS}
    starts = accumulate([len(line) + 1 for line in lines[:-1]], initial=0)
    return list(map(kept.__contains__, starts)) if lines else []


def sentences(text: str, lang: str) -> list[str]:
    from flows.stages.segment import sentences

    return [text[start:end] for start, end in sentences(text, lang)]


def language(text: str) -> str:
    from flows.stages.segment import language

    return language(text)[0] or ""


def metadata_text(text: str) -> dict:
    from flows.stages.describe import Facts, describe
    from flows.stages.segment import language

    page = _traced(text)
    stripped = strip(page)
    found = describe(page, stripped.blocks, Facts(), language(stripped.text.text)[0])
    day = (found.date_published or "")[:10]
    return {"title": found.title, "authors": found.authors, "date": day if len(day) == 10 else None}


def strip_html(html: str) -> str:
    page = render(Traced.decoded(html.encode("utf-8", "replace"), "utf-8"))
    blocks = label(page.text, page.elements, page.nodes, page.facts)
    return "\n".join(page.text.text[b.start : b.end] for b in blocks if b.unit in BODY)


def metadata_html(html: str, url: str) -> dict:
    """The gold counts agencies and newsrooms as authors; the documents table has people only."""
    from flows.stages.describe import Facts, describe
    from flows.stages.describe_html import headings, told

    page = render(Traced.decoded(html.encode("utf-8", "replace"), "utf-8"))
    blocks = label(page.text, page.elements, page.nodes, page.facts)
    shown = describe(page.text, blocks, Facts(url), told(page.facts).language)
    found = told(page.facts, headings(page.text.text, page.elements, page.nodes), shown.authors, shown.byline, url)
    stated = found.published.value if found.published else ""
    weak = not found.published or found.published.source in ("time", "url")
    day = ((weak and shown.date_published) or stated)[:10]
    title = found.title or shown.title
    return {"title": title, "authors": found.authors + found.organisations, "date": day if len(day) == 10 else None}


def attribution_spans(text: str) -> list[tuple[int, int]]:
    from flows.labellers.rules import segments_of
    from flows.stages.attribute_speech import attributions

    return [span for found in attributions(text, segments_of(text), None) for span in found.content]


def attribution_spans_trained(text: str) -> list[tuple[int, int]]:
    """As marked by what `araxes calibrate --polnear DIR --train --out OUT` learned; ARAXES_MODELS names the folder OUT/models."""
    from flows.labellers.rules import segments_of
    from flows.labellers.spans import content

    return content(_model("attribution.npz"), text, segments_of(text), "en")


def check_worthiness(texts: list[str]) -> list[float]:
    """By what `araxes calibrate --checkthat DIR --train --out OUT` learned, where ARAXES_MODELS names the folder OUT/models; else by the
    heuristic that ships, which was trained on nothing."""
    from flows.labellers.rules import worth_checking

    if not os.environ.get("ARAXES_MODELS"):
        return [worth_checking(text) for text in texts]
    from flows.labellers.sklearn import probabilities

    model = _model("check_worthiness.joblib")
    return probabilities(model, texts)[:, model.classes.index("yes")].tolist()


@cache
def _model(name: str):
    from flows.labellers import sklearn, spans

    return (spans if name.endswith(".npz") else sklearn).load(Path(os.environ["ARAXES_MODELS"]) / name)
