"""The forms that a language gives a name: the cases of Russian, Azerbaijani and Turkish, plurals of peoples, capitals.

Part of the attribute stage. Nothing is case-folded by the rules of another language: İ, I, ı and i stay four letters.
"""

from collections.abc import Iterator
from itertools import product

# Here a name in the lexicon may begin in lower case, as a ministry's does.
LOWER_NAMES = ("ru",)
TURKIC = ("az", "tr")

def inflected(name: str, language: str | None, is_person: bool, is_demonym: bool) -> dict[str, bool]:
    """The forms of a name, each with whether it is the bare one. Too many forms do no harm: what nobody writes is never met."""
    forms = {name: True}
    if language == "ru":
        forms |= {form: form == name for form in _russian(name, is_person, is_demonym)}
    elif language in TURKIC and (language == "az" or is_demonym):  # Turkish sets the endings of names apart with an apostrophe
        forms |= {form: form == name for form in _turkic(name, language, is_demonym)}
    elif language == "en" and is_demonym and not name.endswith(("s", "sh", "ch", "ese", "men")):
        forms[f"{name}s"] = False
    if is_demonym or language in LOWER_NAMES:
        forms |= {_upper(form[0], language) + form[1:]: bare for form, bare in forms.items()}
    if name != name.upper() or len(name.split()) > 1:
        forms |= {_upper(form, language): bare for form, bare in forms.items()}
    return forms


def _upper(text: str, language: str | None) -> str:
    return (text.replace("i", "İ") if language in TURKIC else text).upper()


def lower(text: str, language: str | None) -> str:
    return (text.replace("İ", "i").replace("I", "ı") if language in TURKIC else text).lower()


# Endings of the six Russian cases by the ending of the dictionary form, the longest first; a slash parts what occurs side by side.
_ADJECTIVES = {
    **{f"{c}кий": f"{c}кий {c}кого {c}кому {c}кий/{c}кого {c}ким {c}ком" for c in "сц"},
    "ый": "ый ого ому ый/ого ым ом", "ой": "ой ого ому ой/ого ым ом", "ий": "ий его/ого ему/ому ий/его/ого им ем/ом",
    "ая": "ая ой ой ую ой ой", "яя": "яя ей ей юю ей ей", "ое": "ое ого ому ое ым ом", "ее": "ее его ему ее им ем",
    "ие": "ие их им ие/их ими их", "ые": "ые ых ым ые/ых ыми ых",
}  # fmt: skip
_NOUNS = {
    "ия": "ия ии ии ию ией ии", "ство": "ство ства ству ство ством стве", "ий": "ий ия ию ий/ия ием ии", "ец": "ец ца цу ец/ца цем/цом це",
    "й": "й я ю й/я ем е", "ь": "ь я/и ю/и ь/я ем/ью е/и", "я": "я и/ы е/и ю ей е/и", "а": "а ы/и е у ой/ей е", "ы": "ы ов/ ам ы ами ах",
    **{c: f"{c} {c}а {c}у {c}/{c}а {c}ом/{c}ем {c}е" for c in "бвгджзклмнпрстфхцчшщ"},
}  # fmt: skip
_SURNAMES = {
    **{f"{e}а": f"{e}а {e}ой {e}ой {e}у {e}ой {e}ой" for e in ("ов", "ев", "ёв", "ин", "ын")},
    **{e: f"{e} {e}а {e}у {e}а {e}ым {e}е" for e in ("ов", "ев", "ёв", "ин", "ын")},
}
_PEOPLES = {
    "ец": "ец ца цу ца цем/цом це цы цев/цов цам цев/цов цами цах",
    "нин": "нин нина нину нина нином нине не н нам н нами нах",
}


def _russian(name: str, is_person: bool, is_demonym: bool) -> Iterator[str]:
    """A Russian name in its cases: adjectives up to the first noun, or all words of a person, with it; what follows stays."""
    words = name.split(" ")
    stems = []
    for at, word in enumerate(words):
        is_adjective = any(word.endswith(e) for e in _ADJECTIVES) and (is_demonym or is_person or at + 1 < len(words))
        stems.append(_cases(word, is_adjective, is_person, is_demonym))
        if not (is_adjective or is_person):
            break
    tail = words[len(stems) :]
    for case in range(max(map(len, stems))):
        for parts in product(*(s[case] if case < len(s) else s[-1] for s in stems)):
            yield " ".join([*parts, *tail])
    if is_demonym and len(words) == 1 and name.endswith("ий"):  # an adjective has three genders and a plural
        yield from (f"{name[:-2]}{ending}" for ending in "ая ой ую ою ое ие их ими".split())


def _cases(word: str, is_adjective: bool, is_person: bool, is_demonym: bool) -> list[list[str]]:
    tables = [_ADJECTIVES] if is_adjective else [*([_PEOPLES] if is_demonym else []), *([_SURNAMES] if is_person else []), _NOUNS]
    for table in tables:
        for ending in sorted(table, key=len, reverse=True):
            if len(word) > len(ending) + 1 and word.endswith(ending):
                return [[word[: -len(ending)] + e for e in case.split("/")] for case in table[ending].split()]
    return [[word]]


_BACK, _ROUND = "aıou", "ouöü"


def _turkic(name: str, language: str, is_demonym: bool) -> Iterator[str]:
    """An Azerbaijani or Turkish name with its case endings, by vowel harmony; of a people also in the plural."""
    yield from _cased(name, language)
    if is_demonym and (vowel := _last_vowel(name)):
        plural = f"{name}l{'a' if vowel in _BACK else _front(language)}r"
        yield plural
        yield from _cased(plural, language)


def _cased(name: str, language: str) -> Iterator[str]:
    vowel = _last_vowel(name)
    if not vowel:
        return
    wide = "a" if vowel in _BACK else _front(language)
    narrow = {(True, False): "ı", (True, True): "u", (False, False): "i", (False, True): "ü"}[vowel in _BACK, vowel in _ROUND]
    open_end = _is_vowel(name[-1])
    hard = "t" if language == "tr" and name[-1] in "fstkçşhp" else "d"
    buffer = "y" if language == "tr" else "n"
    yield from (name + ("n" if open_end else "") + narrow + "n", name + ("y" if open_end else "") + wide)
    yield from (name + (buffer if open_end else "") + narrow, f"{name}{hard}{wide}", f"{name}{hard}{wide}n")
    if open_end and name[-1] in "ıiuü":  # "Ştatları": the ending of a compound takes an n
        yield from (f"{name}n{end}" for end in (narrow, wide, f"d{wide}", f"d{wide}n"))


def _front(language: str) -> str:
    return "ə" if language == "az" else "e"


def _is_vowel(letter: str) -> bool:
    return letter.lower() in "aeıioöuüə" or letter == "İ"


def _last_vowel(name: str) -> str:
    return next((c for c in reversed(lower(name, "tr")) if c in "aeıioöuüə"), "")
