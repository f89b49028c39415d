"""Splits: which documents belong together, and on which side they stand.

Groups that must not be parted are connected components of near-duplicates, re-saves and stories. An assignment made
in an earlier release stands; a newcomer that joins groups standing on different sides is excluded, with the reason.
"""

import hashlib

# One group in ten is kept for validation. There is no `test` here: that needs gold labels.
VALIDATION_SHARE = 0.1


def assign(doc_ids: list[str], group_of: dict[str, str], previous: dict[str, str]) -> list[dict]:
    """Rows of `splits` for the scheme `story`. `group_of` names a document's group where it has company; `previous`
    is the split of each document of the last release."""
    groups: dict[str, list[str]] = {}
    for doc_id in sorted(doc_ids):
        groups.setdefault(group_of.get(doc_id, doc_id), []).append(doc_id)
    rows = [row for group_id, members in groups.items() for row in _rows(group_id, members, previous)]
    return sorted(rows, key=lambda row: row["doc_id"])


def _rows(group_id: str, members: list[str], previous: dict[str, str]) -> list[dict]:
    standing = sorted({previous[m] for m in members if previous.get(m, "excluded") != "excluded"})
    fresh = _drawn(group_id) if not standing else standing[0] if len(standing) == 1 else "excluded"
    splits = {m: previous.get(m, fresh) for m in members}
    # What only a newcomer joins stays apart: it keeps the side it has, under a group of its own side.
    first = {side: min(m for m in members if splits[m] == side) for side in splits.values()}
    conflict = f"joins documents of {' and '.join(standing)}" if len(standing) > 1 else "excluded in an earlier release"
    return [
        {
            "scheme": "story",
            "layer": "document",
            "doc_id": m,
            "item_id": None,
            "split": splits[m],
            "group_id": first[splits[m]],
            "reason": conflict if splits[m] == "excluded" else None,
        }
        for m in members
    ]


def _drawn(group_id: str) -> str:
    draw = int.from_bytes(hashlib.sha256(group_id.encode()).digest()[:8]) / 2**64
    return "validation" if draw < VALIDATION_SHARE else "train"
