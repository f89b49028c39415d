"""labels: one row per item and layer that was voted on: the outcome of its votes, and how much it is worth.

Invariants: `gold` has an answer, a guideline and at least two independent humans behind it; votes under different
guidelines are never counted together; a null value means that the votes are tied, never that nobody was asked.
"""

from schemas import FLOAT, INT, TEXT, column, pa
from schemas.annotations import LAYERS

# From the best to the least.
TIERS = ("gold", "human_single", "silver", "model_single", "weak")
METHODS = ("single", "majority", "dawid_skene", "adjudicated")

SCHEMA = pa.schema(
    [
        column("item_id", TEXT, "The segment, removal, attribution, claim or stance."),
        column("layer", TEXT, "What was asked: " + ", ".join(LAYERS) + "."),
        column("value", TEXT, "The answer, as in annotations; null where the votes are tied.", nullable=True),
        column(
            "tier",
            TEXT,
            "gold (two or more independent humans who agree, or an adjudication, one guideline, no proposed answer seen), "
            "human_single (humans, but less than that), silver (several models, measured against gold of the domain), "
            "model_single (models, not so measured), weak (rules).",
        ),
        column("method", TEXT, "How votes became one answer: " + ", ".join(METHODS) + "."),
        column(
            "vote_counts",
            pa.list_(pa.struct([pa.field("value", TEXT), pa.field("count", INT)])),
            "The votes counted, by answer, the most frequent first; an adjudicator's is not among them.",
        ),
        column("agreement", FLOAT, "Share of the votes counted that gave the answer, or the most frequent one where tied; 0 to 1."),
        column("guideline_version", TEXT, "The guideline all of them were made under.", nullable=True),
    ]
)
KEY = ["item_id", "layer"]
ORDER = "item_id, layer"
REFERENCES: dict[str, str] = {}
CHECKS = {
    "layer": ("isin", LAYERS),
    "tier": ("isin", TIERS),
    "method": ("isin", METHODS),
    "agreement": ("in_range", 0, 1),
}
ROW_CHECKS = {
    "gold_has_an_answer_and_a_guideline": "tier <> 'gold' OR (value IS NOT NULL AND guideline_version IS NOT NULL)",
    "gold_is_no_single_vote": "tier <> 'gold' OR method <> 'single'",
}
EXAMPLE = {
    "item_id": "9f86d081884c7d659a2f-t60-78-author-orbelan_government",
    "layer": "stance",
    "value": "against",
    "tier": "gold",
    "method": "majority",
    "vote_counts": [{"value": "against", "count": 2}],
    "agreement": 1.0,
    "guideline_version": "1",
}
