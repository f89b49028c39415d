"""Repair: text that was damaged on its way into the capture.

A wrong decoding (UTF-8 read as GBK, Windows-125x, Mac Roman ...) is undone also where bytes were lost on the way: the
damaged run is parsed back into UTF-8 with a gap for each byte the wrong decoder dropped, and the gap is filled by its
context. A reading that is the only one is `exact`; one chosen among several is `inferred` and says how surely.
What machinery left in the text (line ends, controls, invisible characters, HTML entities) is put right.

Never: straightened quotation marks, changed spelling, width or ligatures; a U+FFFD that nothing explains is kept; East
Asian text is not "repaired" because its bytes happen to be UTF-8. Repairing twice is repairing once.

Parts, each in a file beside this one: signs (what a text holds that concerns a step), mojibake (which lines are damaged, and
by what), codecs, lattice (a damaged run parsed), gaps (what was lost, by context), chances (the model), ftfy, other.
"""

from flows.stages.repair_mojibake import mojibake
from flows.stages.repair_other import composed, invisible, line_ends, references
from flows.stages.repair_signs import NOTHING, signs_of
from flows.traced import Traced

STEPS = (line_ends, references, mojibake, invisible, composed)
ROUNDS = 8  # one repair may uncover the next; of 10,224 texts damaged on purpose four needed more than five, none more than these


def repair(text: Traced) -> Traced:
    """`text` with its damage repaired, each place an edit. Never raises; linear in the text."""
    signs = signs_of(text.text)
    for _ in range(ROUNDS):
        if signs is NOTHING and "&" not in text.text:
            break
        before = text
        for step in STEPS:
            if found := step(text.text, signs):
                text = text.apply("repair", found)
                signs = signs_of(text.text)
        if text is before:
            break
    return text
