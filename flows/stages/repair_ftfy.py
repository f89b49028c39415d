"""What ftfy repairs beyond the codecs that are read back here: C1 controls, a lead byte whose no-break space became a space."""

import re
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import accumulate

import ftfy
from ftfy.badness import is_bad

CONFIG = ftfy.TextFixerConfig(
    unescape_html=False, remove_terminal_escapes=False, fix_latin_ligatures=False, fix_character_width=False, uncurl_quotes=False,
    fix_line_breaks=False, fix_surrogates=False, remove_control_chars=False, normalization=None,
)  # fmt: skip
NON_ASCII = re.compile(r"[^\x00-\x7f]+")
TOKEN = re.compile(r"[^\x00-\x7f]+|\w+|\s+|.", re.ASCII | re.DOTALL)
GUESS = 0.9  # confidence of what ftfy puts back without bytes to show for it; measured .98 to 1
# And where that is a character the model has not met: measured 88 of 133 right as Windows-1250 or ISO 8859-2, all of 60 as others.
GUESS_UNMET = 0.65

# What ftfy calls bad is six characters long at most and holds one of these, beside another that is not ASCII or alone: none of
# common punctuation, small letters with accents, letters of scripts beyond Latin. Most lines hold none, and ftfy is spared.
_SMALL = "".join(c for c in map(chr, range(0xDF, 0x180)) if c.islower() and c != "œ")
_LETTERS = "\u0391-\u03a1\u03a3-\u03a9\u03b1-\u03c9\u0410-\u044f\u0591-\u1fff\u3000-\ud7ff\uf900-\ufaff"
SUSPECT = re.compile(f"[^\x00-\x7f\xa0\xad·´–—―…’{_SMALL}{_LETTERS}]")
ALONE = frozenset("ÃÂŒœ" + "".join(map(chr, range(0x80, 0xA0))))
REACH = 5


@lru_cache(1 << 10)
def by_ftfy(line: str) -> tuple[str, float] | None:
    """What ftfy makes of a line, and how sure that is; None where it leaves it as it is."""
    if not _maybe_bad(line):
        return None
    after, steps = ftfy.fix_encoding_and_explain(line, CONFIG)
    if after == line:
        return None
    steps = steps or []
    sure = all(step.action in ("encode", "decode") and step.parameter not in ("sloppy-windows-1250", "iso-8859-2") for step in steps)
    return after, 1.0 if sure else GUESS


def _maybe_bad(line: str) -> bool:
    for m in SUSPECT.finditer(line):
        at = m.start()
        beside = line[max(0, at - 1) : at] + line[at + 1 : at + 2]
        if (m[0] in ALONE or not beside.isascii()) and _bad_around(line[max(0, at - REACH) : at + REACH + 1]):
            return True
    return False


@lru_cache(1 << 14)
def _bad_around(window: str) -> bool:
    return is_bad(window)


def differences(before: str, after: str) -> list[tuple[int, int, str]]:
    """The runs that differ: (start, end, what stands there after). Plain text between them is the same, or all is compared."""
    if NON_ASCII.split(before) == NON_ASCII.split(after):
        pairs = zip(NON_ASCII.finditer(before), NON_ASCII.finditer(after), strict=True)
        return [(*a.span(), b[0]) for a, b in pairs if a[0] != b[0]]
    a, b = TOKEN.findall(before), TOKEN.findall(after)
    starts = list(accumulate(map(len, a), initial=0))
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    return [(starts[i], starts[j], "".join(b[k:n])) for tag, i, j, k, n in blocks if tag != "equal"]
