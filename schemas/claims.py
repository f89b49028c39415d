"""claims: one row per claim, the unit a fact-checker would take: one proposition, with who holds it.

Invariants: the spans lie in the document; a claim whose holder is not the author has the attribution that says so, where
a rule found it; `origin` says whether a rule, an annotator or a sample put it there.
"""

from schemas import PLACE, PLACE_CHECKS, SPANS, TEXT, column, pa

HOLDERS = ("author", "entity", "unnamed")
MODALITIES = ("asserted", "hedged", "predicted", "conditional", "denied", "normative", "question")
COMMITMENTS = ("endorses", "distances", "unmarked")
ORIGINS = ("rule", "annotator", "sampled")

SCHEMA = pa.schema(
    [
        column("claim_id", TEXT, "doc_id, c, its byte range, and an ordinal where two share it."),
        column("doc_id", TEXT, "The document."),
        column("segment_id", TEXT, "The sentence it begins in."),
        column("spans", SPANS, "The words of the proposition, in reading order."),
        column("holder_type", TEXT, "Whose claim it is: " + ", ".join(HOLDERS) + "."),
        column("holder_entity_id", TEXT, "The holder, where it is a known entity.", nullable=True),
        column("attribution_id", TEXT, "The attribution in whose content it stands; null in the author's own voice.", nullable=True),
        column("modality", TEXT, "How it is put: " + ", ".join(MODALITIES) + "."),
        column("author_commitment", TEXT, "What the author lets show of it: " + ", ".join(COMMITMENTS) + "."),
        column("origin", TEXT, "Who put it there: " + ", ".join(ORIGINS) + "."),
        *PLACE,
    ]
)
KEY = ["claim_id"]
ORDER = "doc_id, byte_start, byte_end, claim_id"
REFERENCES = {"doc_id": "documents", "segment_id": "segments", "attribution_id": "attributions", "holder_entity_id": "entities"}
CHECKS = {
    "holder_type": ("isin", HOLDERS),
    "modality": ("isin", MODALITIES),
    "author_commitment": ("isin", COMMITMENTS),
    "origin": ("isin", ORIGINS),
    **PLACE_CHECKS,
}
ROW_CHECKS = {
    "some_bytes": "byte_start < byte_end",
    "the_author_needs_no_attribution": "holder_type <> 'author' OR attribution_id IS NULL",
    "an_entity_is_named": "holder_type = 'entity' OR holder_entity_id IS NULL",
}
EXAMPLE = {
    "claim_id": "9f86d081884c7d659a2f-c60-77",
    "doc_id": "9f86d081884c7d659a2f",
    "segment_id": "9f86d081884c7d659a2f-s60-78",
    "spans": [{"start": 20, "end": 37, "byte_start": 60, "byte_end": 77, "trim_start": 0, "trim_end": 0}],
    "holder_type": "author",
    "holder_entity_id": None,
    "attribution_id": None,
    "modality": "asserted",
    "author_commitment": "unmarked",
    "origin": "rule",
    "byte_start": 60,
    "byte_end": 77,
    "trim_start": 0,
    "trim_end": 0,
}
