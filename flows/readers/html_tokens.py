"""The tokens of a page: tags, comments, raw text, attributes and character references, as the WHATWG standard reads them.

Part of the HTML reader.
"""

import re
from html.entities import html5

# Everything from a "<" that opens a tag, an end tag or a comment. Repeats are possessive and ends optional, so a token that
# never ends takes the rest of the page (as the standard has it) instead of being tried again at every "<".
ATTRIBUTES = r"""(?:[^>=]++|="[^"]*+"|=[ \t\n\f\r]*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?+)*+"""
NAME = r"[a-zA-Z][^ \t\n\f\r/>]*+"
TOKEN = re.compile(
    rf"<(?:/({NAME})(?:>|{ATTRIBUTES}>?)|({NAME})(?:>|({ATTRIBUTES})>?)|(!--(?:-?>|(?:[^-]++|-(?!-!?>))*+(?:--!?>)?+))|[!?/][^>]*+>?)"
)
END, START, WRITTEN, COMMENT = range(1, 5)  # its groups; of an other declaration none is filled
RAW = {
    tag: re.compile(rf"</{tag}[ \t\n\f\r/>]", re.I)
    for tag in ("script", "style", "textarea", "title", "noscript", "iframe", "noembed", "noframes", "xmp", "svg")
}
# What a drawing holds that may be read like raw text: nothing but the parts of one, up to its end.
DRAWING = re.compile(
    r"(?:[^<]*+</?(?:path|g|use|rect|circle|polygon|line|ellipse|polyline|defs|symbol|title|desc|style|clipPath|mask|stop|linearGradient)"
    r"[ \t\n\f\r/>])*+[^<]*+</svg[ \t\n\f\r/>]",
    re.I,
)
ATTRIBUTE = re.compile(
    r"""([^ \t\n\f\r/>="'][^ \t\n\f\r/>=]*+)(?:[ \t\n\f\r]*+=[ \t\n\f\r]*+(?:"([^"]*+)"?|'([^']*+)'?|([^ \t\n\f\r>]++)))?+"""
)
SPACE = " \t\n\f\r"
BLANK_NAME = r"(?:\#(?:0{0,8}(?:9|10|12|13|32)|x0{0,8}(?:9|a|c|d|20));|NewLine;|Tab;)"
BLANK_REFERENCE = f"&{BLANK_NAME}"
BLANK = rf"(?:[ \t\n\f\r]|{BLANK_REFERENCE})"
# What a text run holds that is not copied: white space of which a browser shows one space, and references (the longest
# name has 31 letters). `blank` is all but the first of the white space. The search skips to a first character that it knows.
SPECIAL = re.compile(
    rf"[\t\n\f\r &](?:(?:(?<=&){BLANK_NAME}|(?<= )(?={BLANK})|(?<![ &]))(?P<blank>{BLANK}*+)"
    r"|(?<=&)(?:\#(?:[0-9]++|x[0-9a-f]++);?|[a-z][a-z0-9]{1,31};?))",
    re.I,
)

# Without one of these or two spaces a run holds nothing special; a quick look, since most runs do not.
SUSPECT = re.compile(r"[&\t\n\f\r ](?:(?<! )|(?= ))")


def reference(spelled: str) -> tuple[str, int]:
    """What a character reference (from its "&") stands for, and how many of its characters do; 0 if it is none.

    As the standard has it: numbers of the C1 controls mean Windows-1252, names without ";" match their longest prefix.
    """
    if spelled[1] == "#":
        digits, base = (spelled[3:], 16) if spelled[2] in "xX" else (spelled[2:], 10)
        digits = digits.rstrip(";").lstrip("0")
        code = int(digits or "0", base) if len(digits) < 9 else 0x110000
        if 0x80 <= code <= 0x9F:
            return bytes([code]).decode("cp1252", "replace").replace("\ufffd", chr(code)), len(spelled)
        return "\ufffd" if not code or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF else chr(code), len(spelled)
    for end in range(len(spelled), 2, -1):
        if spelled[1:end] in html5:
            return html5[spelled[1:end]], end
    return "", 0


def unescape(text: str) -> str:
    """`text` with its references decoded and its white space collapsed."""
    return SPECIAL.sub(_decoded, text).strip(SPACE) if SUSPECT.search(text) else text.strip(SPACE)


def _decoded(m: re.Match[str]) -> str:
    if m["blank"] is not None:
        return " "
    value, used = reference(m[0])
    return value + m[0][used:]


def attributes(written: str) -> dict[str, str]:
    """Names (lower case) and values of an element's attributes; the first of a name counts."""
    found: dict[str, str] = {}
    for name, *values in ATTRIBUTE.findall(written):
        found.setdefault(name.lower(), unescape(values[0] or values[1] or values[2]))
    return found


HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
ATTRIBUTES_READ = 2000  # characters of a start tag that are looked at for what hides it


def hides(written: str) -> bool:
    """Whether an element hides what is in it by its style or an attribute."""
    said = written[:ATTRIBUTES_READ].lower()
    if not ("none" in said and "display" in said) and said.count("hidden") == said.count("aria-hidden"):
        return False
    values = attributes(said)
    return "hidden" in values or bool(HIDING.search(values.get("style", "")))
