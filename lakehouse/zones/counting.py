"""How many rows there are, counted where they are."""

from __future__ import annotations

from lakehouse.engines.protocol import Engine, Frame


def count_rows(engine: Engine, rows: Frame, where: str | None = None) -> int:
    """How many rows a frame has, or how many of them fulfil a condition in portable SQL."""
    condition = "" if where is None else f" WHERE {where}"
    sql = f"SELECT COUNT(*) AS `rows` FROM counted{condition}"
    return int(engine.to_arrow(engine.query(sql, {"counted": rows}))["rows"][0].as_py())
