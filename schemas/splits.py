"""splits: one row per scheme, layer and document (or item): which part of the data it belongs to.

Invariants: documents of one `group_id` have one split; an assignment never changes from a release to the next; there
is no `test` without gold labels; a newcomer that joins groups of different splits is `excluded`, with the reason.
"""

from schemas import TEXT, column, pa

SPLITS = ("train", "validation", "test", "excluded")
SCHEMES = ("story", "random", "time", "outlet", "cross_target")

SCHEMA = pa.schema(
    [
        column("scheme", TEXT, "How documents are kept together: " + ", ".join(SCHEMES) + "."),
        column("layer", TEXT, "What is split: document, or the layer of the items."),
        column("doc_id", TEXT, "The document, where documents are split.", nullable=True),
        column("item_id", TEXT, "The item, where items are split.", nullable=True),
        column("split", TEXT, "train, validation, test or excluded."),
        column(
            "group_id",
            TEXT,
            "What must not be parted: one of its documents on its side, the smallest when first published;"
            " for items the target, or their document's group.",
        ),
        column("reason", TEXT, "Why it is excluded.", nullable=True),
    ]
)
KEY = ["scheme", "layer", "doc_id", "item_id"]
ORDER = "scheme, layer, doc_id, item_id"
REFERENCES = {"doc_id": "documents"}
CHECKS = {"scheme": ("isin", SCHEMES), "split": ("isin", SPLITS)}
ROW_CHECKS = {
    "a_document_or_an_item": "(doc_id IS NULL) <> (item_id IS NULL)",
    "excluded_for_a_reason": "(split = 'excluded') = (reason IS NOT NULL)",
}
EXAMPLE = {
    "scheme": "story",
    "layer": "document",
    "doc_id": "9f86d081884c7d659a2f",
    "item_id": None,
    "split": "train",
    "group_id": "9f86d081884c7d659a2f",
    "reason": None,
}
