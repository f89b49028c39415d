"""coverage: one row per document, layer and labeller: whether it looked there, so that silence is not taken for an answer.

Invariants: a labeller that voted on an item of a document has the status `run` there.
"""

from schemas import TEXT, column, pa
from schemas.annotations import LAYERS

STATUSES = ("run", "abstained", "unsupported", "not_run")

SCHEMA = pa.schema(
    [
        column("doc_id", TEXT, "The document."),
        column("layer", TEXT, "What was looked for: " + ", ".join(LAYERS) + "."),
        column("labeller", TEXT, "Who looked: an annotator_id."),
        column("status", TEXT, "run, abstained (looked and found nothing it could answer), unsupported (such as its language) or not_run."),
    ]
)
KEY = ["doc_id", "layer", "labeller"]
ORDER = "doc_id, layer, labeller"
REFERENCES = {"doc_id": "documents"}
CHECKS = {"layer": ("isin", LAYERS), "status": ("isin", STATUSES)}
ROW_CHECKS: dict[str, str] = {}
EXAMPLE = {
    "doc_id": "9f86d081884c7d659a2f",
    "layer": "stance",
    "labeller": "rules",
    "status": "run",
}
