"""The funnel: from captures and bytes to sentences, what was kept, removed by which rule, repaired and rejected."""

from pathlib import Path

from flows.parquet import database, views

STEPS = """
    SELECT 1 AS rank, 'captures' AS step, outcome AS what, COUNT(*) AS "count", SUM(bytes) AS bytes FROM captures GROUP BY ALL
    UNION ALL
    SELECT 2, 'rejected', stage || ': ' || reason, COUNT(*), NULL FROM rejections WHERE "table" = 'captures' GROUP BY ALL
    UNION ALL
    SELECT 3, 'repaired', kind || ': ' || rules[-1], COUNT(*), SUM(byte_end - byte_start) FROM edits WHERE kind <> 'removed' GROUP BY ALL
    UNION ALL
    SELECT 4, 'removed', rules[-1], COUNT(*), SUM(byte_end - byte_start) FROM edits WHERE kind = 'removed' GROUP BY ALL
    UNION ALL
    SELECT 5, 'kept', unit, COUNT(*), SUM(byte_end - byte_start) FROM segments GROUP BY ALL
    UNION ALL
    SELECT 6, 'rejected rows', "table" || ': ' || reason, COUNT(*), NULL FROM rejections WHERE "table" <> 'captures' GROUP BY ALL
"""


def funnel(tables: Path) -> list[dict]:
    """Rows of step, what, count, bytes; in the order of the line, the largest first."""
    with database() as db:
        views(db, tables, ("captures", "rejections", "edits", "segments"))
        rows = db.execute(f'SELECT step, what, "count", bytes FROM ({STEPS}) ORDER BY rank, "count" DESC, what').fetchall()
    return [{"step": s, "what": w, "count": c, "bytes": None if b is None else int(b)} for s, w, c, b in rows]
