"""rejections: one row per capture or row that is not in the release, with the stage that refused it and why.

Invariants: every capture whose outcome is `rejected` has a row with table `captures`; a row whose parent was
rejected has the reason `parent_rejected`.
"""

from schemas import TABLES, TEXT, column, pa

SCHEMA = pa.schema(
    [
        column("capture_id", TEXT, "The capture it comes from; null for a vote of the corpus folder.", nullable=True),
        column("table", TEXT, "The table it would have stood in."),
        column("row_id", TEXT, "Its key in that table."),
        column("stage", TEXT, "The stage that refused it."),
        column("reason", TEXT, "Why, as a fixed term."),
        column("detail", TEXT, "Why, in words.", nullable=True),
    ]
)
WORDS = ["detail"]
KEY = ["table", "row_id", "stage", "reason"]
ORDER = '"table", row_id, stage, reason'
CHECKS = {"table": ("isin", TABLES), "reason": ("str_matches", r"^[a-z0-9_]+$")}
ROW_CHECKS: dict[str, str] = {}
EXAMPLE = {
    "capture_id": "e3b0c44298fc1c149afb-0",
    "table": "captures",
    "row_id": "e3b0c44298fc1c149afb-0",
    "stage": "read",
    "reason": "empty",
    "detail": "the file has no bytes",
}
