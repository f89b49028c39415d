"""annotations: one row per vote: what one annotator, human or machine, answered about one item. Votes are never overwritten.

Invariants: `none` is an answer, and a vote always has one; two votes of one annotator on one item are two rows; a vote
that is `orphaned` keeps the item it was made on and counts for no label.
"""

from schemas import BOOL, FLOAT, SHA256, TEXT, column, pa

LAYERS = ("attribution", "claim", "stance", "check_worthiness", "strip")
ANNOTATOR_TYPES = ("human", "rule", "model")
CARRIED = ("unchanged", "moved", "text_changed", "orphaned")
# What may be answered, by layer. Where a layer also marks parts, `value` is a JSON object with one of these under the fact named here.
ANSWERS = {
    "attribution": ("direct", "indirect", "mixed", "none"),
    "claim": ("asserted", "hedged", "predicted", "conditional", "denied", "normative", "question", "none"),
    "stance": ("favor", "against", "mixed", "neutral", "none"),
    "check_worthiness": ("yes", "no"),
}
FACTS = {"attribution": "type", "claim": "modality"}

SCHEMA = pa.schema(
    [
        column(
            "annotation_id",
            TEXT,
            "Of this vote: 20 hexadecimal digits of the SHA-256 of what it says, without words, or as its file names it.",
        ),
        column("item_id", TEXT, "The segment, removal, attribution, claim or stance voted on; in this release where it was carried over."),
        column("layer", TEXT, "What was asked: " + ", ".join(LAYERS) + "."),
        column(
            "value",
            TEXT,
            "The answer. stance: an answer; claim: a modality; attribution: a type; check_worthiness: yes or no; strip: a unit or a "
            "removal rule. Where parts or facts were marked too, a JSON object with sorted keys and byte ranges in the capture.",
        ),
        column("annotator_id", TEXT, "Pseudonym of a person, or name of a rule set or model."),
        column("annotator_type", TEXT, "human, rule or model."),
        column("guideline_version", TEXT, "The guideline it was made under; null where there was none.", nullable=True),
        column("made_on_release", TEXT, "dataset/version it was made on.", nullable=True),
        column(
            "text_sha256", TEXT, "SHA-256, in UTF-8, of the item's words as the annotator saw them; null where withheld.", nullable=True
        ),
        column("exact", TEXT, "The item's words as the annotator saw them; null where withheld.", nullable=True),
        column("prefix", TEXT, "What stood before them; null where withheld.", nullable=True),
        column("suffix", TEXT, "What stood after them; null where withheld.", nullable=True),
        column("carried", TEXT, "How it came into this release: unchanged, moved (same words, other id), text_changed or orphaned."),
        column("confidence", FLOAT, "The annotator's own, 0 to 1.", nullable=True),
        column("saw_prelabel", BOOL, "Whether a proposed answer was shown; null where not known.", nullable=True),
        column("batch", TEXT, "The campaign it belongs to; adjudications begin with `adjudication-`.", nullable=True),
    ]
)
WORDS = ["exact", "prefix", "suffix"]
KEY = ["annotation_id"]
ORDER = "item_id, layer, annotator_id, annotation_id"
REFERENCES: dict[str, str] = {}
CHECKS = {
    "layer": ("isin", LAYERS),
    "annotator_type": ("isin", ANNOTATOR_TYPES),
    "text_sha256": SHA256,
    "carried": ("isin", CARRIED),
    "confidence": ("in_range", 0, 1),
}
ROW_CHECKS = {
    f"a_{layer}_answer": f"layer <> '{layer}' OR value LIKE '{{%' OR value IN ({', '.join(repr(a) for a in answers)})"
    for layer, answers in ANSWERS.items()
}
EXAMPLE = {
    "annotation_id": "1b4f0e9851971998e732",
    "item_id": "9f86d081884c7d659a2f-t60-78-author-orbelan_government",
    "layer": "stance",
    "value": "against",
    "annotator_id": "a1",
    "annotator_type": "human",
    "guideline_version": "1",
    "made_on_release": "araxes-specimens/1.0.0",
    "text_sha256": "5b0f1c1f4a3f5d8e9c7b6a59483726150f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "exact": "The ministers met.",
    "prefix": "Ferry Talks Resume\n\n",
    "suffix": " Nobody signed anything.",
    "carried": "unchanged",
    "confidence": None,
    "saw_prelabel": False,
    "batch": "stance-1.0.0-7",
}

# Characters of context kept on either side of a quotation. As many as the annotation client Hypothesis keeps.
CONTEXT = 32
# SQL for `annotations` with the words of those whose item still has them, and what stands around. Reads the tables of the items, and
# `documents`.
QUOTED = f"""
    WITH places AS (
        SELECT segment_id AS item_id, doc_id, start AS first, "end" AS last FROM segments
        UNION ALL SELECT claim_id, doc_id, list_min([s.start FOR s IN spans]), list_max([s."end" FOR s IN spans]) FROM claims
        UNION ALL SELECT stance_id, i.doc_id, start, "end" FROM stances i JOIN segments USING (segment_id)
        UNION ALL SELECT attribution_id, doc_id, list_min([s.start FOR s IN spans]), list_max([s."end" FOR s IN spans])
            FROM (SELECT *, list_concat(list_concat(source_spans, cue_spans), content_spans) AS spans FROM attributions)
    ), quoted AS (
        SELECT item_id, substring(text, first + 1, last - first) AS exact, substring(text, last + 1, {CONTEXT}) AS suffix,
            substring(text, greatest(0, first - {CONTEXT}) + 1, least(first, {CONTEXT})) AS prefix
        FROM places SEMI JOIN {{annotations}} USING (item_id) JOIN documents USING (doc_id) WHERE text IS NOT NULL
        UNION ALL SELECT edit_id, before, substring(text, start + 1, {CONTEXT}),
            substring(text, greatest(0, start - {CONTEXT}) + 1, least(start, {CONTEXT}))
        FROM edits SEMI JOIN {{annotations}} ON item_id = edit_id JOIN documents USING (doc_id)
        WHERE text IS NOT NULL AND before IS NOT NULL
    )
    SELECT a.* REPLACE (COALESCE(q.exact, a.exact) AS exact, COALESCE(q.prefix, a.prefix) AS prefix, COALESCE(q.suffix, a.suffix) AS suffix,
        COALESCE(sha256(q.exact), a.text_sha256) AS text_sha256)
    FROM {{annotations}} a LEFT JOIN quoted q ON q.item_id = CASE WHEN a.carried IN ('unchanged', 'moved') THEN a.item_id END
"""
