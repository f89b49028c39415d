"""Train what `flows/stages/repair.py` chooses by. Counts and chances only: no sentence can be read back from them.

    python -m tests.benchmarks.train_repair --bench BENCH [--fold 0] [--out flows/stages/repair_model.json.gz]

BENCH: the folder of the benchmark. Read are ud (treebanks, CoNLL-U), fundus (parser fixtures, JSON with article bodies), traf
(saved pages, HTML), aeb (article bodies), polnear (news, plain text) and encodings (labelled files, for the languages
and scripts that the others lack). `--fold N` leaves out every document of that half of ud and fundus, on which the stage
is scored, so that this half can score it.
"""

import argparse
import gzip
import hashlib
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from flows.readers import html
from flows.stages.repair_chances import MODEL, ORDER, UNIT, extra
from flows.stages.repair_gaps import custom_of, open_quotes, script_of, slot_keys
from flows.traced import Traced

CJK = {"zh", "ja", "ko", "Chinese", "Japanese", "Korean"}
COUNTRIES = {"cn": "zh", "tw": "zh", "jp": "ja", "kr": "ko"}
# How often an n-gram, a context or a context of punctuation was seen that is worth its bytes. Of what is longer than PLAIN characters
# and plain ASCII nothing is.
KEEP_FROM = {2: 1, 3: 2, 4: 2, 5: 2}
PLAIN, CONTEXT_KEEP_FROM, SLOT_KEEP_FROM = 3, 2, 2
SHORTEST, MOST_BYTES = 60, 600_000  # a line of a saved page that may be running text; a page that is one article


def documents(ud: Path, fundus: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Yield (language or country, key, lines)."""
    for path in sorted(ud.glob("*/*.conllu")):
        lines = [line[9:] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# text = ")]
        for i in range(0, len(lines), 20):
            yield path.parent.name.split("-")[0], f"{path.parent.name}/{i}", lines[i : i + 20]
    for path in sorted(fundus.glob("*/*.json")):
        for _, page in sorted(json.loads(path.read_text(encoding="utf-8")).items()):
            lines = list(page["body"].get("summary") or [])
            for section in page["body"].get("sections") or []:
                lines += [*(section.get("headline") or []), *(section.get("paragraphs") or [])]
            # The outlet, not the page, goes to a fold: pages of one outlet share their style.
            yield COUNTRIES.get(path.parent.name, path.parent.name), path.stem, list(_clean(lines))


def more_documents(bench: Path) -> Iterator[tuple[str, str, list[str]]]:
    """The same, of what the stage is not scored on."""
    for path in sorted(bench.glob("polnear/*/text/*.txt")):
        yield "en", path.name, list(_clean(path.read_text(encoding="utf-8").split("\n")))
    for key, page in sorted(json.loads((bench / "aeb/ground-truth.json").read_text(encoding="utf-8")).items()):
        yield "en", key, list(_clean(page["articleBody"].split("\n")))
    met = set()
    for path in sorted(bench.glob("traf/eval/*.html.gz")):
        lines = [line for line in _shown(gzip.decompress(path.read_bytes()), "utf-8") if len(line) >= SHORTEST and not met & {line}]
        met.update(lines)
        yield "", path.name, [line for line in lines if "•" not in line and "|" not in line]
    for path in sorted(bench.glob("encodings/*/*")):
        lines = list(_shown(path.read_bytes(), re.sub(r"(?i)^((?:iso-8859|windows)-\d+)-.*", r"\1", path.parent.name)))
        eastern = sum(c > "\u2e7f" for line in lines for c in line)
        yield "zh" if eastern > 50 else "", path.name, [line for line in lines if len(line) >= SHORTEST or eastern > 50]


def _shown(data: bytes, encoding: str) -> Iterator[str]:
    try:
        text = data.decode(encoding) if len(data) < MOST_BYTES else ""
    except (UnicodeDecodeError, LookupError):
        text = ""
    return _clean(html.render(Traced.decoded(text.encode("utf-8"), "utf-8")).text.text.split("\n"))


def _clean(lines: Iterable[str]) -> Iterator[str]:
    return (line for line in map(" ".join, map(str.split, lines)) if line and "\ufffd" not in line)


def count(docs: Iterable[tuple[str, str, list[str]]]) -> dict:
    """Counts: `grams` (character n-grams), `slots` (punctuation by context), `genuine` (East Asian characters)."""
    grams, genuine, slots = Counter(), Counter(), defaultdict(Counter)
    for language, _, lines in docs:
        for line in lines:
            if language in CJK:
                genuine.update(c for c in line if c > "\u2e7f")
                continue
            _count_grams(f"\n{line}\n", grams)
            _count_slots(line, slots)
    kept = {k: dict(sorted(c.items())) for k, c in sorted(slots.items()) if sum(c.values()) >= SLOT_KEEP_FROM}
    return {"grams": grams, "slots": kept, "genuine": dict(sorted(genuine.items()))}


def chances(grams: dict[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """The chances of n-grams of two characters and more, and the back-off of each context (Witten & Bell 1991), as logarithms."""
    size = sum(n for g, n in grams.items() if len(g) == 1)
    kinds = Counter(g[:-1] for g in grams)
    found: dict[str, float] = {}

    def chance(gram: str) -> float:
        if len(gram) == 1:
            return (grams.get(gram, 0) + extra(gram)) / size
        return found[gram] if gram in found else weight(gram[:-1]) * chance(gram[1:])

    def weight(context: str) -> float:
        return kinds[context] / (grams[context] + kinds[context]) if kinds[context] else 1.0

    told = sorted((g for g in grams if len(g) <= PLAIN or not g.isascii()), key=len)
    for gram in told:
        if len(gram) > 1 and grams[gram] >= KEEP_FROM[len(gram)]:
            found[gram] = (grams[gram] + kinds[gram[:-1]] * chance(gram[1:])) / (grams[gram[:-1]] + kinds[gram[:-1]])
    contexts = {g[:-1] for g in found} | {g for g in told if len(g) < ORDER and grams[g] >= CONTEXT_KEEP_FROM}
    backoffs = {g: weight(g) for g in contexts}
    return _logarithms(found), _logarithms(backoffs)


def _logarithms(found: dict[str, float]) -> dict[str, int]:
    return {g: round(UNIT * math.log(p)) for g, p in sorted(found.items())}


def _count_slots(line: str, slots: dict[str, Counter]) -> None:
    custom, quotes, at = custom_of(line), "x", 0
    for m in re.finditer("[\u2000-\u22ff]", line):
        quotes, at = open_quotes(line[: m.start()], quotes, at), m.start()
        left, right = line[: m.start()], line[m.end() :]
        for key in slot_keys(script_of(left, right), left, right, quotes, custom):
            slots[key][m[0]] += 1


def _count_grams(line: str, grams: Counter) -> None:
    for n in range(1, ORDER + 1):
        grams.update([line[i : i + n] for i in range(len(line) - n + 1)])


def train(bench: Path, left_out: int | None = None) -> bytes:
    docs = [d for d in documents(bench / "ud", bench / "fundus") if fold(d[1]) != left_out]
    counts = count([*docs, *more_documents(bench)])
    letters = {g: n for g, n in sorted(counts["grams"].items()) if len(g) == 1}
    grams, backoffs = chances(counts["grams"])
    trained = {"letters": letters, "grams": grams, "backoffs": backoffs, "slots": counts["slots"], "genuine": counts["genuine"]}
    raw = json.dumps(trained, ensure_ascii=False, separators=(",", ":")).encode()
    return gzip.compress(raw, 9, mtime=0)


def fold(key: str) -> int:
    return hashlib.sha1(key.encode()).digest()[0] % 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--fold", type=int, help="leave out this half, 0 or 1")
    parser.add_argument("--out", type=Path, default=MODEL)
    a = parser.parse_args()
    a.out.write_bytes(train(a.bench, a.fold))
    print(a.out, a.out.stat().st_size, hashlib.sha256(a.out.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
