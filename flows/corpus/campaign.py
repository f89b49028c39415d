"""Campaigns: items of a release out to people as Label Studio tasks, their answers back in as votes.

Who is asked what is drawn by outlet and language from a seed. Nobody is shown a proposed answer, or another's before all have
answered; people stand under pseudonyms. Nothing here changes a release or a vote: answers that cannot be taken are refused.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from flows.corpus.items import Source, characters, sources_of
from flows.corpus.label_studio import CHOICES, SPANS, Answer, configuration, located, read_answers
from flows.corpus.labels import contested
from flows.corpus.votes import (
    ADJUDICATION,
    ITEM_ID,
    KEYS,
    PSEUDONYM,
    Refused,
    anchor,
    extent,
    parts,
    quotation,
    quoted,
    read_votes,
    squashed,
    turn,
    vote,
    words_of,
)
from flows.parquet import database, views
from flows.traced import Rejected, Traced
from schemas import Row
from schemas.annotations import FACTS, LAYERS
from schemas.edits import STRIPPED

# What is asked about in each layer, as SQL. Claims and attributions are sought in every sentence, not only where a rule found one:
# the sentence then stands for the first in it, or for itself where no rule found any.
SENTENCES = """
    SELECT COALESCE(found.item_id, segment_id) AS item_id, doc_id
    FROM segments LEFT JOIN (
        SELECT {key} AS item_id, {place} AS segment_id FROM {table} WHERE {which}
        QUALIFY ROW_NUMBER() OVER (PARTITION BY doc_id, {place} ORDER BY byte_start, {key}) = 1
    ) found USING (segment_id)
    WHERE (unit = 'sentence' AND repeat_of IS NULL) OR found.item_id IS NOT NULL
"""
DRAWN = {
    "check_worthiness": "SELECT segment_id AS item_id, doc_id FROM segments WHERE unit = 'sentence' AND repeat_of IS NULL",
    "strip": f"""SELECT segment_id AS item_id, doc_id, byte_start FROM segments WHERE parent_id IS NULL
        UNION ALL SELECT edit_id, doc_id, byte_start FROM edits WHERE {STRIPPED}""",
    "stance": "SELECT stance_id AS item_id, doc_id FROM stances",
    "claim": SENTENCES.format(key="claim_id", place="segment_id", table="claims", which="TRUE"),
    "attribution": SENTENCES.format(key="attribution_id", place="segment_ids[1]", table="attributions", which="parent_id IS NULL"),
}
# The table of an item, by the letter in its id.
KINDS = {"b": "segments", "s": "segments", "e": "edits", "a": "attributions", "c": "claims", "t": "stances"}
# Layers in which whole pages are drawn, since it is pages that are right or wrong.
BY_PAGE = ("strip",)
# (target_id, language) -> the target in words; under no language those for every other.
Wordings = Mapping[tuple[str, str | None], str]
# Characters shown at most on either side of an item: the blocks beside its own, as a reader needs them.
PASSAGE = 2_000
# What a mark is called in a vote, where not as in the task.
PARTS = {"claim": "spans"}
QUESTIONS = {
    "check_worthiness": "Would a fact-checker want to check this sentence?",
    "strip": "Which part of the article is this? If it is none, what else of the page is it? If several things: what most of it is.",
    "claim": "Mark the claim of this sentence, the first if there are several, and say what kind it is. Choose none if it claims nothing.",
    "attribution": "Mark source, cue and content of the attribution here, the first if there are several. Choose none if there is none.",
    "stance": "Which stance does {holder} take here towards: {target}?",
}


class CampaignError(ValueError):
    """The campaign cannot go on as asked; the message says what to do."""


class Imported(NamedTuple):
    """Votes that were added, how many of the answers had been imported before, and the answers that were refused."""

    votes: list[Row]
    n_known: int
    refused: list[Refused]


def sample(release: Path, layer: str, n: int, overlap: int, annotators: Sequence[str], seed: int) -> list[Row]:
    """`n` items of a layer, each with the `overlap` annotators who get it: item_id, doc_id, outlet, language, layer, annotators, batch.

    Each outlet and language has the share of the sample that it has of the items, and one item at least where there is room. For
    claims and attributions sentences are drawn, each under the id of the first that a rule found in it, if any. For the layer strip
    `n` pages are drawn, each with every block that was kept and every stretch that was removed, where its words are there. One
    release and seed give one sample, whatever the order of the rows.
    """
    if layer not in DRAWN:
        raise CampaignError(f"unknown layer {layer!r}; known are {', '.join(LAYERS)}")
    if bad := next((a for a in annotators if not PSEUDONYM.fullmatch(a)), None):
        raise CampaignError(f"{bad!r} is no pseudonym; name annotators by letters and a number, such as a1")
    if n < 1 or not 1 <= overlap <= len(set(annotators)) == len(annotators):
        raise CampaignError(f"{n} items, each to {overlap} of {len(annotators)} annotators; ask for one at least, name enough, each once")
    together: dict[str, list[Row]] = {}
    for row in _rows(release, layer):
        together.setdefault(row["doc_id" if layer in BY_PAGE else "item_id"], []).append(row)
    strata: dict[tuple, list[str]] = {}
    for key, (row, *_) in together.items():
        strata.setdefault((row["outlet"] or "", row["language"] or ""), []).append(key)
    shares = _shares({stratum: len(keys) for stratum, keys in strata.items()}, n)
    drawn = [key for stratum, share in shares.items() for key in sorted(strata[stratum], key=lambda k: _lot(seed, k))[:share]]
    made = {"layer": layer, "batch": f"{layer}-{release.name}-{seed}"}
    return [
        row | made | {"annotators": sorted(annotators[(i + k) % len(annotators)] for k in range(overlap))}
        for i, key in enumerate(sorted(drawn, key=lambda k: _lot(seed, k)))
        for row in together[key]
    ]


def tasks(release: Path, sampled: Sequence[Row], guideline_version: str, wordings: Wordings) -> dict[str, list[dict]]:
    """Label Studio tasks by annotator, each list for a project of its own, with targets worded in a document's language."""
    asked, _ = _asked(release, {(row["item_id"], row["layer"]) for row in sampled}, wordings)
    made: dict[str, list[dict]] = {name: [] for name in sorted({name for row in sampled for name in row["annotators"]})}
    for row in sampled:
        for name in row["annotators"]:
            told = {"annotator": name, "batch": row["batch"], "guideline_version": guideline_version, "release": _name(release)}
            made[name].append({"data": asked[row["item_id"]] | told})
    return made


def adjudication(release: Path, votes: Iterable[Row], layer: str, adjudicator: str, wordings: Wordings) -> list[dict]:
    """Label Studio tasks for the items on which people disagree, with their answers but not their names."""
    open_ = contested(votes, layer)
    if not PSEUDONYM.fullmatch(adjudicator):
        raise CampaignError(f"{adjudicator!r} is no pseudonym; name the adjudicator by letters and a number, such as j1")
    if any(row["annotator_id"] == adjudicator for given in open_.values() for row in given):
        raise CampaignError(f"{adjudicator} voted on items that are to be decided; let somebody else decide them")
    asked, sources = _asked(release, {(item_id, layer) for item_id, _ in open_}, wordings)
    made = []
    for (item_id, guideline), given in open_.items():
        answers = sorted(_in_words(row, sources[asked[item_id]["doc_id"]]) for row in given)
        told = {"annotator": adjudicator, "batch": ADJUDICATION + (given[0]["batch"] or layer), "guideline_version": guideline}
        shown = {"release": _name(release), "answers": "\n".join(f"{i}. {answer}" for i, answer in enumerate(answers, 1))}
        made.append({"data": asked[item_id] | told | shown})
    return made


def votes_of(release: Path, exported: Sequence[Any]) -> tuple[list[Row], list[Refused]]:
    """The votes in tasks exported from Label Studio as JSON, and the answers that are none.

    release: the one they were made on, or another that has their items.
    """
    answers = read_answers(exported)
    known, sources, _ = _found(release, {(a.data["item_id"], a.data["layer"]) for a in answers if a.problem is None})
    votes, refused = [], []
    for answer, marks in zip(answers, located(answers), strict=True):
        try:
            if answer.problem:
                raise answer.problem
            if isinstance(marks, Rejected):
                raise marks
            row = known.get((answer.data["item_id"], answer.data["layer"]))
            if row is None or row["doc_id"] not in sources:
                raise Rejected("unknown_item", "its item, or its words, are not in this release; name the release it was made on")
            votes.append(_vote(answer, marks, row, sources[row["doc_id"]]))
        except Rejected as why:
            refused.append(Refused(answer.where, why.reason, why.detail))
    return votes, refused


def guideline_version(annotations: Path) -> str:
    """The version that the heading of `annotations`/GUIDELINE.md states, such as `# Annotation guideline, version 1.0`."""
    path = annotations / "GUIDELINE.md"
    heading = path.read_text(encoding="utf-8-sig").split("\n")[0] if path.exists() else ""
    stated = re.fullmatch(r"#.*\bversion (\S+)\s*", heading)
    if stated is None:
        raise CampaignError(f"{path}: no version in its heading; write it as `# Annotation guideline, version 1.0`")
    return stated[1]


def sample_command(release: Path, out: Path, layer: str, n: int, overlap: int, annotators: Sequence[str], seed: int) -> Path:
    """Write the sample to `out`/<batch>/sample.jsonl and return that path."""
    rows = sample(release, layer, n, overlap, annotators, seed)
    if not rows:
        raise CampaignError(f"{release} has no items of the layer {layer} whose words are there")
    path = out / rows[0]["batch"] / "sample.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_lines(rows), encoding="utf-8")
    return path


def export_command(release: Path, sampled: Path, guideline_version: str, wordings: Wordings) -> list[Path]:
    """Write one file of tasks per annotator and the labelling configuration beside the sample; return their paths."""
    rows = _read(sampled)
    if not rows or not all(isinstance(row, dict) and {"item_id", "layer", "annotators", "batch"} <= row.keys() for row in rows):
        raise CampaignError(f"{sampled}: no sample; make one with `araxes annotate sample`")
    made = tasks(release, rows, guideline_version, wordings)
    return _write(sampled.parent, {f"tasks-{name}.json": given for name, given in made.items()}, configuration(rows[0]["layer"]))


def adjudicate_command(release: Path, votes: Iterable[Row], out: Path, layer: str, adjudicator: str, wordings: Wordings) -> list[Path]:
    """Write the tasks of an adjudicator and the labelling configuration to `out`/adjudication-<layer>/; return their paths, none where
    nothing is contested. The decisions come in by `import_command`."""
    made = adjudication(release, votes, layer, adjudicator, wordings)
    return _write(out / f"{ADJUDICATION}{layer}", {f"tasks-{adjudicator}.json": made}, configuration(layer, True)) if made else []


def import_command(release: Path, exports: Sequence[Path], annotations: Path) -> Imported:
    """Append the votes in Label Studio's exports to `annotations`/<batch>.jsonl.

    An answer that is there already is not added again; another one by the same annotator goes into a later round of its batch.
    """
    found, refused = votes_of(release, [task for path in exports for task in _read(path)])
    standing: dict[tuple, list[Row]] = {}
    for row in read_votes(annotations)[0]:
        standing.setdefault(_question(row), []).append(row)
    added = []
    for row in found:
        before = [r for r in standing.setdefault(_question(row), []) if _is_round(r["batch"], row["batch"])]
        last = max(before, key=lambda r: turn(r["batch"]), default=None)
        if last and all(last[k] == row[k] for k in ("value", "text_sha256")):
            continue
        if last:
            row = vote({k: v for k, v in row.items() if k != "annotation_id"} | {"batch": f"{row['batch']}.{len(before) + 1}"})
        standing[_question(row)].append(row)
        added.append(row)
    annotations.mkdir(parents=True, exist_ok=True)
    for batch in sorted({row["batch"] for row in added}):
        with open(annotations / f"{batch}.jsonl", "a", encoding="utf-8", newline="\n") as file:
            file.write(_lines({k: v for k, v in row.items() if v is not None} for row in added if row["batch"] == batch))
    return Imported(added, len(found) - len(added), refused)


def _question(row: Row) -> tuple:
    return tuple(row[name] for name in ("item_id", "layer", "annotator_id", "guideline_version"))


def _is_round(name: str | None, batch: str) -> bool:
    return name is not None and (name == batch or (name.startswith(f"{batch}.") and name[len(batch) + 1 :].isdecimal()))


def _shares(sizes: Mapping[tuple, int], n: int) -> dict[tuple, int]:
    """How many of n items each stratum gives: its share, by largest remainders, and one at least where n allows."""
    total = sum(sizes.values())
    n, least = min(n, total), 1 if n >= len(sizes) else 0
    shares = {stratum: max(least, n * size // total) for stratum, size in sizes.items()}
    by_need = sorted(sizes, key=lambda s: (-(n * sizes[s] % total), s))
    while sum(shares.values()) < n:
        for stratum in by_need:
            if sum(shares.values()) < n and shares[stratum] < sizes[stratum]:
                shares[stratum] += 1
    while sum(shares.values()) > n:
        largest = max(sorted(shares), key=lambda s: shares[s])
        shares[largest] -= 1
    return shares


def _lot(seed: int, key: str) -> str:
    return hashlib.sha256(f"{seed} {key}".encode()).hexdigest()


def _rows(release: Path, layer: str) -> list[Row]:
    """What may be drawn in a layer: item_id, doc_id, outlet, language, where the words are there; of a page in reading order."""
    query = f"SELECT item_id, doc_id, outlet, language FROM ({DRAWN[layer]}) JOIN documents USING (doc_id) WHERE text IS NOT NULL"
    if layer in BY_PAGE:
        query += " ORDER BY doc_id, byte_start, item_id"
    with _opened(release) as db:
        return db.execute(query).to_arrow_table().to_pylist()


@contextmanager
def _opened(release: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of a release that are needed here, as views."""
    if not (release / "data" / "documents").is_dir():
        raise CampaignError(f"{release}: no release; name a folder such as dist/my-articles/1.0.0")
    with database() as db:
        views(db, release, ("documents", "entities", *dict.fromkeys(KINDS.values())))
        yield db


def _fetch(db: duckdb.DuckDBPyConnection, table: str, column: str, keys: Iterable[str]) -> list[Row]:
    """Rows of a table whose `column` is one of `keys`."""
    found = db.execute(f"FROM {table} WHERE {column} IN (SELECT unnest($1::VARCHAR[])) ORDER BY ALL", [sorted(keys)])
    return found.to_arrow_table().to_pylist()


def _found(release: Path, wanted: set[tuple[str, str]]) -> tuple[dict[tuple[str, str], Row], dict[str, Source], dict[str, str]]:
    """(item_id, layer) -> its row with both and the language of its document, for the items that are in the release; their documents
    whose words are there; and the names of entities."""
    asked: dict[str, set[str]] = {}
    for item_id in {item_id for item_id, _ in wanted}:
        if (name := ITEM_ID.fullmatch(item_id)) and name["kind"] in KINDS:
            asked.setdefault(KINDS[name["kind"]], set()).add(item_id)
    with _opened(release) as db:
        rows = {row[KEYS[table]]: row for table, ids in sorted(asked.items()) for row in _fetch(db, table, KEYS[table], ids)}
        wanted_of = {row["doc_id"] for row in rows.values()}
        documents, edits, segments = (_fetch(db, table, "doc_id", wanted_of) for table in ("documents", "edits", "segments"))
        names = dict(db.execute("SELECT entity_id, name FROM entities").fetchall())
    languages = {d["doc_id"]: d["language"] for d in documents}
    found = {}
    for item_id, layer in sorted(wanted):
        if (row := rows.get(item_id)) and layer in LAYERS:
            found[item_id, layer] = row | {"item_id": item_id, "layer": layer, "language": languages.get(row["doc_id"])}
    return found, sources_of(documents, edits, segments), names


def _asked(release: Path, wanted: set[tuple[str, str]], wordings: Wordings) -> tuple[dict[str, dict[str, str]], dict[str, Source]]:
    """item_id -> what a task shows of it: the question, its sentence or block, and the passage around that; and the documents.

    wanted: (item_id, layer), all of one layer.
    """
    found, sources, names = _found(release, wanted)
    if missing := next((key for key in sorted(wanted) if key not in found or found[key]["doc_id"] not in sources), None):
        raise CampaignError(f"{release}: no item {missing[0]}, or its words are withheld; name the release it was drawn from")
    asked = {}
    for (item_id, layer), row in found.items():
        source = sources[row["doc_id"]]
        item, passage = _told(row, source)
        target, holder = row.get("target_id") or "", row.get("holder_entity_id")
        aim = wordings.get((target, row["language"])) or wordings.get((target, None), target)
        who = names.get(holder, holder) if holder else "the author" if row.get("holder_type") == "author" else "the source that is quoted"
        asked[item_id] = {
            "item_id": item_id,
            "doc_id": row["doc_id"],
            "layer": layer,
            "question": QUESTIONS[layer].format(holder=who, target=aim),
            "item": item,
            "text": passage,
        }
    return asked, sources


def _told(row: Row, source: Source) -> tuple[str, str]:
    """The words of a task's item, and of the passage around it, with what was removed there in its place."""
    shown, text = _shown(row, source), source.traced.text
    start, end = _passage(shown, source)
    item = words_of(row, text[slice(*shown)])
    return item, text[start : shown[0]] + item + text[shown[1] : end]


def _shown(row: Row, source: Source) -> tuple[int, int]:
    """Characters of the sentence or block an item begins in; nothing of what a rule made of it is shown."""
    segment = source.segments.get((row.get("segment_ids") or [row.get("segment_id")])[0])
    return (segment["start"], segment["end"]) if segment else extent(row, source.segments)


def _passage(shown: tuple[int, int], source: Source) -> tuple[int, int]:
    """Characters from the block before to the block after, PASSAGE on either side at most."""
    blocks = sorted((s["start"], s["end"]) for s in source.segments.values() if s["parent_id"] is None)
    start, end = shown
    before, after = [b for b in blocks if b[1] <= start], [b for b in blocks if b[0] >= end]
    around = [b for b in blocks if b[0] < end and b[1] > start]
    first = min(b[0] for b in (before[-1:] or around or [shown]))
    last = max(b[1] for b in (after[:1] or around or [shown]))
    return max(first, start - PASSAGE), min(last, end + PASSAGE)


def _vote(answer: Answer, marks: list[tuple[str, int, int]], row: Row, source: Source) -> Row:
    """An answer as a row of `annotations`. marks: in characters of the answer's `text`."""
    data, text = answer.data, source.traced.text
    layer = row["layer"]
    item, told = _told(row, source)
    if squashed(data["item"])[0] != squashed(item)[0]:
        raise Rejected("other_words", "its words are others in this release; name the release it was made on")
    passage = _passage(_shown(row, source), source)
    is_same = data["text"] == told
    spans = []
    for label, start, end in marks:
        if label not in SPANS.get(layer, ()):
            raise Rejected("unknown_label", f"{label!r:.80} is nothing to mark in the layer {layer}")
        if not is_same:
            words = quotation(data["text"], start, end)
            start, end = anchor(text[slice(*passage)], words["exact"], words["prefix"], words["suffix"])
        spans.append((label, *source.traced.span(passage[0] + start, passage[0] + end)[:2]))
    return vote(
        {
            "item_id": row["item_id"],
            "layer": layer,
            "value": _value(layer, answer.choices, spans),
            "annotator_id": data["annotator"],
            "annotator_type": "human",
            "guideline_version": data["guideline_version"],
            "made_on_release": data["release"],
            **quoted(row, source.segments, text),
            "saw_prelabel": answer.saw_prelabel,
            "batch": data["batch"],
        }
    )


def _value(layer: str, choices: Mapping[str, str], spans: list[tuple[str, int, int]]) -> str:
    """The answer as a vote has it. spans: (label, byte_start, byte_end)."""
    if "answer" not in choices:
        raise Rejected("no_answer", "no answer was chosen")
    if layer not in SPANS or choices["answer"] == "none":
        return choices["answer"]
    facts: dict[str, Any] = {FACTS[layer]: choices["answer"]}
    for label in SPANS[layer]:
        facts[PARTS.get(label, label)] = sorted({(start, end) for its, start, end in spans if its == label})
    if not facts[PARTS.get(SPANS[layer][0], SPANS[layer][0])]:
        raise Rejected("nothing_marked", f"no {SPANS[layer][0]} was marked")
    for name, answers in CHOICES.get(layer, {}).items():
        if choices.get(name) not in answers:
            raise Rejected("no_answer", f"no {name} was chosen")
        facts[name] = choices[name]
    return json.dumps(facts)


def _in_words(row: Row, source: Source) -> str:
    """A vote's answer as an adjudicator reads it: the words of its byte ranges."""
    facts = parts(row["value"])
    if facts is None:
        return row["value"]
    told = {name: fact if isinstance(fact, str) else " … ".join(_words(source.traced, *r) for r in fact) for name, fact in facts.items()}
    return "; ".join(f"{name}: {fact}" for name, fact in sorted(told.items()))


def _words(traced: Traced, byte_start: int, byte_end: int) -> str:
    return traced.text[slice(*characters(traced, byte_start, byte_end))]


def _name(release: Path) -> str:
    """dataset/version."""
    release = release.resolve()
    return f"{release.parent.name}/{release.name}"


def _read(path: Path) -> list[Any]:
    """The values of a JSON list, or of JSON Lines."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = [json.loads(line) for line in text.split("\n") if line.strip()] if path.suffix == ".jsonl" else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise CampaignError(f"{path}: {error}; name a file that `araxes annotate` or Label Studio's JSON export wrote") from None
    if not isinstance(found, list):
        raise CampaignError(f"{path}: no list of tasks; export from Label Studio as JSON")
    return found


def _lines(rows: Iterable[Row]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows)


def _write(folder: Path, tasks: Mapping[str, list[dict]], config: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    contents = {name: json.dumps(given, ensure_ascii=False, indent=1) + "\n" for name, given in tasks.items()} | {"config.xml": config}
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8", newline="\n")
    return [folder / name for name in contents]
