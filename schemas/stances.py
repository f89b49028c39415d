"""stances: one row per holder and target in a sentence: an instance that can be asked about, with its evidence.

Invariants: the sentence is one of the document's; an instance exists also where rules abstain. The answer is no column: what a
rule, a model or a person answers is a vote in `annotations`, and its outcome a label in `labels`.
"""

from schemas import BOOL, PLACE, PLACE_CHECKS, SPANS, TEXT, column, pa
from schemas.claims import HOLDERS, ORIGINS

SCHEMA = pa.schema(
    [
        column("stance_id", TEXT, "doc_id, t, the byte range of the sentence, the holder and the target."),
        column("doc_id", TEXT, "The document."),
        column("segment_id", TEXT, "The sentence."),
        column("holder_type", TEXT, "Whose stance it is: " + ", ".join(HOLDERS) + "."),
        column("holder_entity_id", TEXT, "The holder, where it is a known entity.", nullable=True),
        column("attribution_id", TEXT, "The attribution through which a quoted holder speaks.", nullable=True),
        column("claim_id", TEXT, "The claim it is about, where it is about one.", nullable=True),
        column("target_id", TEXT, "The target, of targets.csv."),
        column("explicit", BOOL, "Whether the target is named in the sentence; null where nobody looked.", nullable=True),
        column("evidence_spans", SPANS, "The words that carry the stance; empty where no rule found any."),
        column("origin", TEXT, "Who put it there: " + ", ".join(ORIGINS) + "."),
        *PLACE,
    ]
)
KEY = ["stance_id"]
ORDER = "doc_id, byte_start, byte_end, stance_id"
REFERENCES = {
    "doc_id": "documents",
    "segment_id": "segments",
    "attribution_id": "attributions",
    "claim_id": "claims",
    "holder_entity_id": "entities",
}
CHECKS = {
    "holder_type": ("isin", HOLDERS),
    "origin": ("isin", ORIGINS),
    **PLACE_CHECKS,
}
ROW_CHECKS = {
    "some_bytes": "byte_start < byte_end",
    "the_author_needs_no_attribution": "holder_type <> 'author' OR attribution_id IS NULL",
    "an_entity_is_named": "holder_type = 'entity' OR holder_entity_id IS NULL",
}
EXAMPLE = {
    "stance_id": "9f86d081884c7d659a2f-t60-78-author-ferry",
    "doc_id": "9f86d081884c7d659a2f",
    "segment_id": "9f86d081884c7d659a2f-s60-78",
    "holder_type": "author",
    "holder_entity_id": None,
    "attribution_id": None,
    "claim_id": None,
    "target_id": "ferry",
    "explicit": True,
    "evidence_spans": [{"start": 20, "end": 37, "byte_start": 60, "byte_end": 77, "trim_start": 0, "trim_end": 0}],
    "origin": "rule",
    "byte_start": 60,
    "byte_end": 78,
    "trim_start": 0,
    "trim_end": 0,
}
