"""rejections: one row per capture or row that is not in the release, with the stage that refused it and why.

Invariants: every capture whose outcome is `rejected` has a row with table `captures`; a row whose parent was
rejected has the reason `parent_rejected`; every reason is one of REASONS.
"""

from schemas import TABLES, TEXT, column, pa

# Every reason there is, and what to do about it.
OF_CAPTURES = {
    "binary": "It is an image, a PDF or another file with no page in it: save the page as text, HTML or MHTML.",
    "broken_container": "The Parquet file cannot be read: make it again, with a column named text or html.",
    "broken_record": "The record does not hold to its format: make the archive again, or take the record out.",
    "changed_while_building": "The file was changed while it was read: build again when nothing writes to the folder.",
    "crashed": "It ended the process that worked on it, twice: leave it out or report it, unless the machine is short of memory.",
    "damaged": "The compressed file is damaged: fetch or compress it again.",
    "empty": "There is nothing in it: save the page again, or delete the file.",
    "http_status": "The archive holds an error page, not the article: fetch it again.",
    "internal_error": "A defect of this program: report it with the detail; the other captures are not affected.",
    "link_outside": "A link to a file outside the folder is not followed: copy the file into the folder.",
    "no_body": "Nothing on the page reads like an article: if it is one, keep its lines by a rule in outlets.csv.",
    "no_text": "The row has no text: name its column text or html.",
    "not_a_file": "A link to a folder, a device or a pipe is not read: put files into the folder.",
    "outlet_pattern_invalid": "A rule of its outlet in outlets.csv is no regular expression: mend the rule.",
    "outlet_pattern_timeout": "A rule of its outlet in outlets.csv takes too long on this page: make it simpler.",
    "subresource": "It belongs to the page saved beside its folder: nothing to do.",
    "too_large": "It is larger than max_capture_bytes: raise the limit in araxes.toml, or leave it out.",
    "too_much_memory": "A stage needs far more memory for it than for any article of its size: leave it out, or report it.",
    "too_slow": "A stage takes far longer for it than for any article of its size: leave it out, or report it.",
    "truncated": "The compressed file ends in the middle: fetch or compress it again.",
    "truncated_record": "The archive ends inside the record: fetch the page again.",
    "unreadable": "The file cannot be read: give yourself the right to it.",
    "unsupported_coding": "The record is coded in a way that is not known: decode it, and make the archive again.",
    "withdrawn": "captures.csv says that it is withdrawn: nothing to do.",
    "wrong_type": "It is no page, by its own word: nothing to do, unless it is; then save it as a file.",
}
OF_ROWS = {
    "parent_rejected": "What it belongs to was refused: see there.",
    "schema": "A defect of this program: the row breaks its table's schema; report it with the detail.",
}
OF_VOTES = {
    "ambiguous": "The words marked stand more than once near the place: mark some words more.",
    "broken_line": "The line is no vote in JSON: mend or delete it.",
    "document_gone": "The document is not in this release: nothing to do, unless its capture should be.",
    "duplicate": "The same vote was cast before: delete one of the two.",
    "missing": "The vote lacks a field that it needs: add it.",
    "no_answer": "The task was handed in without an answer: answer it, or leave it.",
    "no_place": "The mark has no place in the text: mark it again in Label Studio.",
    "no_pseudonym": "An annotator is known by a pseudonym such as a1: name one.",
    "no_quotation": "The vote does not quote the words it is on, and its item has changed: cast it again.",
    "no_single_answer": "The question has one answer: choose one.",
    "no_such_item": "The release has no item at that place any more: cast the vote on another.",
    "no_task": "The export is none of the project's: export it from Label Studio as JSON, with the tasks that araxes wrote.",
    "not_its_words": "The vote quotes other words than its item has: cast it on the item that has them.",
    "nothing_marked": "The answer needs a mark in the text, and there is none: mark the words.",
    "other_capture": "The vote is on another capture than the release has: cast it again.",
    "other_words": "The text of the task was changed: export it again, and leave its text alone.",
    "several_answers": "A task is for one annotator: keep one of its answers.",
    "skipped": "The annotator skipped it: nothing to do, or ask again.",
    "unknown_annotator_type": "An annotator is a human, a rule or a model: name one of them.",
    "unknown_answer": "The layer has no such answer: take one of those in annotations/GUIDELINE.md.",
    "unknown_item": "The release has no such item: name one of its ids.",
    "unknown_key": "The vote has a field that is not known: take it out.",
    "unknown_label": "The task's configuration was changed in Label Studio: take the one that was exported.",
    "unknown_layer": "There is no such layer: name one of those in annotations/GUIDELINE.md.",
    "words_not_found": "The words marked are not in the document any more: cast the vote again.",
    "wrong_type": "A field is of another type than it should be: see the detail.",
}
REASONS = OF_ROWS | OF_VOTES | OF_CAPTURES

SCHEMA = pa.schema(
    [
        column("capture_id", TEXT, "The capture it comes from; null for a vote of the corpus folder.", nullable=True),
        column("table", TEXT, "The table it would have stood in."),
        column("row_id", TEXT, "Its key in that table."),
        column("stage", TEXT, "The stage that refused it."),
        column("reason", TEXT, "Why, as a fixed term: one of REASONS, which says what to do."),
        column("detail", TEXT, "Why, in words.", nullable=True),
    ]
)
WORDS = ["detail"]
KEY = ["table", "row_id", "stage", "reason"]
ORDER = '"table", row_id, stage, reason'
REFERENCES = {"capture_id": "captures"}
CHECKS = {"table": ("isin", TABLES), "reason": ("isin", sorted(REASONS))}
ROW_CHECKS: dict[str, str] = {}
EXAMPLE = {
    "capture_id": "e3b0c44298fc1c149afb-0",
    "table": "captures",
    "row_id": "e3b0c44298fc1c149afb-0",
    "stage": "read",
    "reason": "empty",
    "detail": "the file has no bytes",
}
