"""Training tables: `claims_<tier>` and `stances_<tier>`, what a model reads and what it should answer, by what the answer is worth."""

from types import SimpleNamespace

from schemas import TEXT, column, pa
from schemas.labels import TIERS

LAYERS = {"claims": "claim", "stances": "stance"}
NAMES = tuple(f"{kind}_{tier}" for kind in LAYERS for tier in TIERS)
SPLITS = ("test", "train", "validation")
SHOWN = {"claims": "words", "stances": "sentence"}
ASKED = {
    "claims": "asserted, hedged, predicted, conditional, denied, normative or question",
    "stances": "favor, against, mixed, neutral or none",
}

WORTH = {
    "gold": "decided by two or more independent people",
    "human_single": "given by people, but fewer or less independent than gold needs",
    "silver": "given by several machines whose accuracy was measured on gold of the same domain",
    "model_single": "given by one model",
    "weak": "given by rules",
}
DOC = """{name}: one row per {layer} with a label that was {worth}: what a model reads, and what it should answer.

Invariants: `test` exists only of gold; documents of one story stand in one split; the words are those of the release's other tables.
"""


def view(name: str) -> SimpleNamespace:
    """The schema of one of NAMES, in the form of a table's module."""
    kind, _, tier = name.partition("_")
    label = "label" if tier == "gold" else "weak_label"
    schema = pa.schema(
        [
            column("item_id", TEXT, f"The {LAYERS[kind]}."),
            column("text", TEXT, f"Its {SHOWN[kind]}; null where withheld.", nullable=True),
            column("context", TEXT, "The block it stands in; null where withheld.", nullable=True),
            column("holder", TEXT, "Whose it is: the name of an entity, author, entity (one whose name is not known) or unnamed."),
            column("target", TEXT, "What the stance is on, in the words of targets.csv; null for claims.", nullable=True),
            column(label, TEXT, f"The answer: {ASKED[kind]}."),
            column("split", TEXT, "train, validation or test."),
        ]
    )
    example = {
        "item_id": "9f86d081884c7d659a2f-t60-78-author-ferry",
        "text": "The ministers met.", "context": "The ministers met. Nobody signed anything.",
        "holder": "author", "target": "The ferry", label: "none", "split": "train",
    }  # fmt: skip
    return SimpleNamespace(
        __doc__=DOC.format(name=name, layer=LAYERS[kind], worth=WORTH[tier]),
        SCHEMA=schema, KEY=["item_id"], ORDER="split, item_id", REFERENCES={}, WORDS=["text", "context"],
        CHECKS={"split": ("isin", SPLITS)},
        ROW_CHECKS={} if tier == "gold" else {"test_is_gold": "split <> 'test'"},
        EXAMPLE=example,
    )  # fmt: skip


# Items of gold in the documents kept for validation are the test; the rules may have been looked at there, people's answers not.
SPLIT = "CASE WHEN p.split = 'validation' AND l.tier = 'gold' THEN 'test' ELSE p.split END"
ANSWER = "CASE WHEN l.value LIKE '{{%' THEN json_extract_string(l.value, '$.modality') ELSE l.value END"
QUERIES = {
    # The words of all claims first, or else every claim would take its document's text through the joins.
    "claims": f"""
        WITH i AS MATERIALIZED (
            SELECT claim_id, doc_id, segment_id, holder_type, holder_entity_id,
                list_min([s.start FOR s IN spans]) AS first, list_max([s."end" FOR s IN spans]) AS last,
                substring(text, first + 1, last - first) AS words
            FROM claims JOIN documents USING (doc_id)
        )
        SELECT i.claim_id AS item_id, i.words AS text, b.text AS context,
            COALESCE(e.name, i.holder_type) AS holder, NULL AS target, {ANSWER} AS {{label}}, {SPLIT} AS split
        FROM labels l JOIN i ON i.claim_id = l.item_id {{joins}}""",
    "stances": f"""
        SELECT i.stance_id AS item_id, g.text AS text, b.text AS context, COALESCE(e.name, i.holder_type) AS holder,
            COALESCE(t.wording, i.target_id) AS target, l.value AS {{label}}, {SPLIT} AS split
        FROM labels l JOIN stances i ON i.stance_id = l.item_id LEFT JOIN targets t USING (target_id) {{joins}}""",
}
JOINS = """
        JOIN segments g ON g.segment_id = i.segment_id
        JOIN segments b ON b.segment_id = COALESCE(g.parent_id, g.segment_id)
        LEFT JOIN entities e ON e.entity_id = i.holder_entity_id
        JOIN splits p ON p.scheme = 'story' AND p.layer = 'document' AND p.doc_id = i.doc_id AND p.split <> 'excluded'
        WHERE l.layer = '{layer}' AND l.tier = '{tier}' AND l.value IS NOT NULL
"""


def asked(name: str) -> tuple[str, str]:
    """The layer and tier of the labels in one of NAMES."""
    kind, _, tier = name.partition("_")
    return LAYERS[kind], tier


def query(name: str) -> str:
    """SQL that makes one of NAMES of the release's other tables, and of `targets` (target_id, wording)."""
    kind = name.partition("_")[0]
    layer, tier = asked(name)
    joins = JOINS.format(layer=layer, tier=tier)
    return QUERIES[kind].format(label="label" if tier == "gold" else "weak_label", joins=joins)
