"""A corpus of any size: the specimens of seeds/, varied by a seed, with outlets, duplicates and damage.

    python -m tests.benchmarks.corpus FOLDER --documents 1000 --kind text|html|small

Sentences are drawn from the specimens of one language and then varied: names and figures are invented, and nine in ten of the longer words
are other words of that language. So two articles have next to nothing in common but what is put there: copies with changes, copies to
the byte, and the lines that an outlet prints on every page. The words mean nothing; how the line treats them, and how long it takes, is
that of news.
"""

import argparse
import html
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SPECIMENS = Path(__file__).parents[2] / "seeds" / "captures"
# Characters of an article of each kind.
CHARS = {"text": 12_000, "html": 6_000, "small": 450}
# Bytes of a saved page, most of them scripts, styles and the lists around the article.
PAGE_BYTES = 327_000
# Shares of documents. Copied: with one word in eight changed, and in another outlet; same: to the byte.
COPIED, SAME, DAMAGED, NO_ARTICLE = 0.04, 0.02, 0.10, 0.005
# Documents to an outlet, and records to a file of JSON Lines.
PER_OUTLET, PER_FILE = 500, 10_000
# A copy is made of one of the last so many documents.
RECENT = 200
SYLLABLES = "ba ke lin da mir za tol kun ash ga per vo sar en or be lan va rosh ti mu ne xa ri po jel che kha shi du".split()


class Language(NamedTuple):
    sentences: list[str]
    words: list[str]


class Document(NamedTuple):
    """One made capture: `data` is its bytes, as text or as a page."""

    data: bytes
    outlet: str
    url: str
    is_html: bool


def documents(n: int, kind: str, seed: int = 0, chars: int = 0) -> Iterator[Document]:
    """`n` documents, the same for the same arguments; the first of a larger corpus are those of a smaller one."""
    languages = _languages()
    recent: list[tuple[str, list[str]]] = []
    for i in range(n):
        draw = random.Random(f"{seed} {i}")
        outlet = f"outlet{draw.randrange(i // PER_OUTLET + 1):04}"
        chance = draw.random()
        if chance < NO_ARTICLE:
            yield Document(draw.randbytes(400), outlet, "", False)
            continue
        if recent and chance < NO_ARTICLE + COPIED + SAME:
            told, paragraphs = recent[draw.randrange(len(recent))]
            if chance < NO_ARTICLE + COPIED:
                paragraphs = [_varied(p, languages[told], draw, 0.125, names=False) for p in paragraphs]
        else:
            told = draw.choices(list(languages), [len(language.sentences) for language in languages.values()])[0]
            paragraphs = _paragraphs(languages[told], draw, chars or CHARS[kind])
        recent = [*recent[-RECENT:], (told, paragraphs)]
        url = f"https://{outlet}.example/{2015 + i % 10}/{1 + i % 12:02}/{1 + i % 28:02}/{i}"
        yield Document(_data(paragraphs, outlet, url, kind, draw, i), outlet, url, kind == "html")


def make(folder: Path, n: int, kind: str, seed: int = 0, chars: int = 0) -> Path:
    """Write `n` documents below `folder`: a file each, in a folder for each outlet; small ones as rows of JSON Lines."""
    if kind == "small":
        folder.mkdir(parents=True, exist_ok=True)
        made = documents(n, kind, seed, chars)
        for start in range(0, n, PER_FILE):
            with (folder / f"{start // PER_FILE:05}.jsonl").open("w", encoding="utf-8") as lines:
                for _, d in zip(range(min(PER_FILE, n - start)), made, strict=False):
                    row = {"text": d.data.decode("utf-8", "replace"), "url": d.url, "outlet": d.outlet}
                    lines.write(json.dumps(row, ensure_ascii=False) + "\n")
        return folder
    for i, d in enumerate(documents(n, kind, seed, chars)):
        path = folder / d.outlet / f"{i:07}.{'html' if d.is_html else 'txt'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(d.data)
    return folder


def _languages() -> dict[str, Language]:
    """Sentences and words of the specimens that are UTF-8, by a rough guess at their language."""
    found: dict[str, list[str]] = {}
    for path in sorted(SPECIMENS.rglob("*.txt")):
        text = path.read_bytes().decode("utf-8", "replace")
        if text.count("\ufffd") > 3 or "\0" in text:
            continue
        for line in text.splitlines():
            for sentence in re.findall(r"[^.!?]{40,300}[.!?]”?(?=\s|$)", line):
                found.setdefault(_script(sentence), []).append(" ".join(sentence.split()))
    return {
        name: Language(sentences, sorted({w for s in sentences for w in re.findall(r"\b[^\W\d_]{4,}\b", s) if w.islower()}))
        for name, sentences in sorted(found.items())
        if len(sentences) >= 40
    }


def _script(sentence: str) -> str:
    if re.search("[\u0400-\u04ff]", sentence):
        return "cyrillic"
    return "azerbaijani or turkish" if re.search("[əşğıİ]", sentence) else "latin" if sentence.isascii() or "’" in sentence else "other"


def _paragraphs(language: Language, draw: random.Random, chars: int) -> list[str]:
    """A title, a byline with a day, and paragraphs of two to four sentences, with a heading here and there."""
    name = f"{_name(draw)} {_name(draw)}"
    title = _varied(draw.choice(language.sentences), language, draw).rstrip(".!?”")[:90]
    day = f"{draw.randrange(1, 29)} {draw.choice(['January', 'April', 'July', 'October'])} {draw.randrange(2015, 2026)}"
    found, length = [title, f"By {name}, {day}"], 0
    while length < chars:
        if length and draw.random() < 0.08:
            found.append(" ".join(draw.sample(language.words, 4)).capitalize())
        found.append(" ".join(_varied(s, language, draw) for s in draw.choices(language.sentences, k=draw.randrange(2, 5))))
        length += len(found[-1])
    return found


def _varied(text: str, language: Language, draw: random.Random, share: float = 0.9, names: bool = True) -> str:
    def other(match: re.Match) -> str:
        word = match[0]
        if word.isdigit():
            return str(draw.randrange(2, 10 ** min(len(word), 6))) if names else word
        if word[0].isupper():
            return _name(draw) if names and match.start() and draw.random() < 0.7 else word
        return draw.choice(language.words) if len(word) >= 4 and draw.random() < share else word

    return re.sub(r"\d+|[^\W\d_]+", other, text)


def _name(draw: random.Random) -> str:
    return "".join(draw.choices(SYLLABLES, k=draw.randrange(2, 5))).capitalize()


def _data(paragraphs: list[str], outlet: str, url: str, kind: str, draw: random.Random, number: int) -> bytes:
    name = f"The {outlet.capitalize()} Courier"
    if kind == "html":
        return _page(paragraphs, name, url, draw).encode()
    around = [] if kind == "small" else [name, "Home | Politics | Border | Letters", "Share this article"]
    after = ["Follow us on: Facebook | Twitter", f"© {name}. All rights reserved."]
    if kind != "small":
        after += ["Read next", *(f"{_name(draw)} to be numbered again, says {_name(draw)} board" for _ in range(5))]
    text = "\n\n".join([*around, *paragraphs, *after]) + "\n"
    return _damaged(text, draw) if draw.random() < DAMAGED else text.encode()


def _damaged(text: str, draw: random.Random) -> bytes:
    """One of the hazards of saved pages."""
    match draw.randrange(5):
        case 0:  # UTF-8 read as Windows-1252
            return text.encode().decode("cp1252", "ignore").encode()
        case 1:
            return html.escape(text).replace("’", "&rsquo;").encode()
        case 2:
            return b"\xff\xfe" + text.encode("utf-16-le")
        case 3:
            return text.replace("\n", "\r\n").replace("fi", "\ufb01").encode()
        case _:
            return text.replace("’", "\ufffd").replace("“", "\ufffd").encode()


def _page(paragraphs: list[str], name: str, url: str, draw: random.Random) -> str:
    """A saved page: the article is a fiftieth of it."""
    title, byline, *body = map(html.escape, paragraphs)
    author = html.unescape(byline)[3:].split(",")[0]
    said = json.dumps({"@type": "NewsArticle", "headline": html.unescape(title), "author": {"name": author}})
    links = "".join(f'<li class="menu-item"><a href="/{_name(draw)}">{_name(draw)}</a></li>' for _ in range(120))
    cards = "".join(
        f'<div class="card teaser"><a href="{url}/{i}"><img src="/i/{i}.jpg" alt="">'
        f"<h3>{_name(draw)} asks {_name(draw)} for a bridge</h3></a>"
        f'<p>{draw.randrange(2, 60)} minutes ago</p></div>'
        for i in range(80)
    )
    text = "".join(f"<p>{p}</p>" if len(p) > 80 else f"<h2>{p}</h2>" for p in body)
    page = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title} | {name}</title><link rel="canonical" href="{url}">'
        f'<meta property="og:site_name" content="{name}"><script type="application/ld+json">{said}</script>%s</head><body>'
        f'<header><nav><ul>{links}</ul></nav></header><div id="cookie-banner">We use cookies. <button>Accept all</button></div>'
        f'<main><article><h1>{title}</h1><p class="byline">{byline}</p><div class="share-bar"><a href="#f">Share</a></div>{text}</article>'
        f'<aside class="related">{cards}</aside></main><footer><p>© {name}. All rights reserved.</p><ul>{links}</ul></footer></body></html>'
    )
    missing = max(0, PAGE_BYTES - len(page.encode()))
    line = "window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)};if(1<2&&3>2){gtag('js',new Date());}\n"
    style = ".card>.teaser a:hover{color:#0062cc;margin:0 auto;padding:.5rem 1rem}\n"
    half = missing // 2
    return page % f"<style>{style * (half // len(style))}</style><script>{line * (half // len(line))}</script>"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--documents", type=int, default=1_000)
    parser.add_argument("--kind", choices=sorted(CHARS), default="text")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(make(options.folder, options.documents, options.kind, options.seed))


if __name__ == "__main__":
    main()
