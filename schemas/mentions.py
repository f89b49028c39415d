"""mentions: one row per place in a document that names an entity, or a person the entities do not hold.

Invariants: a mention lies inside its segment, the innermost that holds it; mentions of a document do not overlap; a demonym or a
metonym names the state it stands for; `entity_id` is null where it is in doubt who or what is meant, or where no entity is known.
"""

from schemas import INT, PLACE, PLACE_CHECKS, TEXT, column, pa

TYPES = ("name", "demonym", "metonym", "nominal", "pronoun")

SCHEMA = pa.schema(
    [
        column("mention_id", TEXT, "doc_id, m, its byte range, and an ordinal where two share it."),
        column("doc_id", TEXT, "The document."),
        column("segment_id", TEXT, "The sentence it stands in, or the block where that has no sentences."),
        column("start", INT, "First character in the document's text."),
        column("end", INT, "Character after the last."),
        column("entity_id", TEXT, "The entity meant; null where in doubt or not among the entities.", nullable=True),
        column("mention_type", TEXT, "name (Iran), demonym (Iranian), metonym (Tehran said), nominal (the president) or pronoun."),
        *PLACE,
    ]
)
KEY = ["mention_id"]
ORDER = 'doc_id, start, "end", mention_id'
REFERENCES = {"doc_id": "documents", "segment_id": "segments", "entity_id": "entities"}
CHECKS = {
    "start": ("ge", 0),
    "mention_type": ("isin", TYPES),
    **PLACE_CHECKS,
}
ROW_CHECKS = {"not_empty": 'start < "end" AND byte_start <= byte_end'}
EXAMPLE = {
    "mention_id": "9f86d081884c7d659a2f-m60-64",
    "doc_id": "9f86d081884c7d659a2f",
    "segment_id": "9f86d081884c7d659a2f-s60-78",
    "start": 20,
    "end": 24,
    "entity_id": "azerbaijan",
    "mention_type": "metonym",
    "byte_start": 60,
    "byte_end": 64,
    "trim_start": 0,
    "trim_end": 0,
}
