"""Train the counts that `flows/stages/repair.py` chooses by. Counts only: no sentence can be read back from them.

    python -m tests.benchmarks.train_repair --ud UD --fundus FUNDUS [--fold 0] [--out flows/stages/repair_model.json.gz]

UD: folders of treebanks (CoNLL-U). FUNDUS: folders of parser fixtures (JSON with article bodies). `--fold N` leaves out
every document of that half, so that the other half can score the stage.
"""

import argparse
import gzip
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from flows.stages import repair

CJK = {"zh", "ja", "ko", "Chinese", "Japanese", "Korean"}
COUNTRIES = {"cn": "zh", "tw": "zh", "jp": "ja", "kr": "ko"}
# The longer contexts are worth their bytes only when they were seen more than once.
KEEP_FROM = {1: 1, 2: 1, 3: 1, 4: 1, 5: 1}
SLOT_KEEP_FROM = 2


def documents(ud: Path, fundus: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Yield (language or country, key, lines)."""
    for path in sorted(ud.glob("*/*.conllu")):
        lines = [line[9:] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# text = ")]
        for i in range(0, len(lines), 20):
            yield path.parent.name.split("-")[0], f"{path.parent.name}/{i}", lines[i : i + 20]
    for path in sorted(fundus.glob("*/*.json")):
        for version, page in sorted(json.loads(path.read_text(encoding="utf-8")).items()):
            lines = list(page["body"].get("summary") or [])
            for section in page["body"].get("sections") or []:
                lines += [*(section.get("headline") or []), *(section.get("paragraphs") or [])]
            # The outlet, not the page, goes to a fold: pages of one outlet share their style.
            lines = [" ".join(x.split()) for x in lines]
            yield COUNTRIES.get(path.parent.name, path.parent.name), path.stem, [x for x in lines if x and "\ufffd" not in x]


def count(docs: Iterator[tuple[str, str, list[str]]]) -> dict:
    """The counts: `grams` (character n-grams), `slots` (punctuation by context), `genuine` (East Asian characters)."""
    grams, genuine, slots = Counter(), Counter(), defaultdict(Counter)
    for language, _, lines in docs:
        for line in lines:
            if language in CJK:
                genuine.update(c for c in line if c > "\u2e7f")
                continue
            _count_grams(f"\n{line}\n", grams)
            _count_slots(line, slots)
    grams = {g: n for g, n in sorted(grams.items()) if n >= KEEP_FROM[len(g)]}
    kept = {k: dict(sorted(c.items())) for k, c in sorted(slots.items()) if sum(c.values()) >= SLOT_KEEP_FROM}
    return {"grams": grams, "slots": kept, "genuine": dict(sorted(genuine.items()))}


def _count_slots(line: str, slots: dict[str, Counter]) -> None:
    custom, quotes, at = repair.custom_of(line), "x", 0
    for m in re.finditer("[\u2000-\u22ff]", line):
        quotes, at = repair.open_quotes(line[: m.start()], quotes, at), m.start()
        for key in repair.slot_keys(line[: m.start()], line[m.end() :], quotes, custom):
            slots[key][m[0]] += 1


def _count_grams(line: str, grams: Counter) -> None:
    # Of what is plain ASCII only the contexts are needed, not what follows them.
    for n in range(1, repair.ORDER + 1):
        for i in range(len(line) - n + 1):
            gram = line[i : i + n]
            if n < 4 or not gram.isascii():
                grams[gram] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ud", type=Path, required=True)
    parser.add_argument("--fundus", type=Path, required=True)
    parser.add_argument("--fold", type=int, help="leave out this half, 0 or 1")
    parser.add_argument("--out", type=Path, default=repair.MODEL)
    a = parser.parse_args()
    docs = (d for d in documents(a.ud, a.fundus) if fold(d[1]) != a.fold)
    raw = json.dumps(count(docs), ensure_ascii=False, separators=(",", ":")).encode()
    a.out.write_bytes(gzip.compress(raw, 9, mtime=0))
    print(a.out, a.out.stat().st_size, hashlib.sha256(a.out.read_bytes()).hexdigest())


def fold(key: str) -> int:
    return hashlib.sha1(key.encode()).digest()[0] % 2


if __name__ == "__main__":
    main()
