"""What becomes of rows of one key, as portable SQL over windows.

Both statements read a crowd, given as SQL: rows with the contract's columns and provenance,
`_in_cleaned` (stands in the cleaned table now), `_in_aside` (stands in set_aside now) and
`_accepted` (false: the row broke its contract and only shows that its key was delivered); and
`deliveries`: `_delivery`, `_place` (its order) and `_state` (the number of the snapshot it is, else
null). They give the accepted rows with `_fate` ('kept', 'duplicate', 'superseded', 'conflict') and
`_by_delivery`, `_by_row`, the row that decided it. Keys are compared column by column.
"""

from __future__ import annotations

from lakehouse.declare.tables import Cleaned
from lakehouse.language.provenance import CARRIED
from lakehouse.language.sql import literals
from lakehouse.zones.checks import ARRIVAL

FLAGS = ("_in_cleaned", "_in_aside", "_accepted")


def fates_sql(table: Cleaned, crowd: str) -> str:
    """The SQL that settles every key of a crowd by the table's `on_conflict`."""
    first_wins = table.on_conflict == "quarantine"
    settled = _first_wins(table) if first_wins else _by_known_time(table)
    return f"WITH crowd AS ({crowd}), {settled}"


def _first_wins(table: Cleaned) -> str:
    """The first row to arrive stays; equal ones are duplicates, others conflicts.

    By arrival and not by known time: a row that has been cleaned is never put out by a later
    delivery, whatever times that one carries.
    """
    window = (
        f"(PARTITION BY {literals.names(table.keys)} ORDER BY "
        f"CASE WHEN `_in_cleaned` THEN 0 ELSE 1 END, {literals.names(ARRIVAL)})"
    )
    content = [c.name for c in table.columns if not c.key]
    equal = [
        f"{name} <=> FIRST_VALUE({name}) OVER {window}" for name in map(literals.name, content)
    ]
    return (
        f"placed AS ({_placed()}), "
        f"ranked AS (SELECT *, ROW_NUMBER() OVER {window} AS `_rank`, "
        f"FIRST_VALUE(`_delivery`) OVER {window} AS `_by_delivery`, "
        f"FIRST_VALUE(`_row`) OVER {window} AS `_by_row`, "
        f"{' AND '.join(equal) or 'TRUE'} AS `_equal` FROM placed) "
        f"SELECT {_kept_columns(table)}, CASE WHEN `_rank` = 1 THEN 'kept' WHEN `_equal` THEN "
        "'duplicate' ELSE 'conflict' END AS `_fate`, "
        "CASE WHEN `_rank` > 1 THEN `_by_delivery` END AS `_by_delivery`, "
        "CASE WHEN `_rank` > 1 THEN `_by_row` END AS `_by_row` FROM ranked"
    )


def _by_known_time(table: Cleaned) -> str:
    """Equal rows that follow each other are one version, its first row; the rest by policy.

    A version ends where other content follows, and under "latest" from a snapshot also where
    its key is missing from one. The last version stays if it has not ended so.
    """
    keys = literals.names(table.keys)
    order = f"`_known_at` NULLS FIRST, {literals.names(ARRIVAL)}"
    if table.raw.source.mode == "snapshot":
        order = literals.names(ARRIVAL)
    window = f"(PARTITION BY {keys} ORDER BY {order})"
    content = [literals.name(c.name) for c in table.columns if not c.key]
    changes = [f"NOT ({name} <=> LAG({name}) OVER {window})" for name in content]
    changes += [f"LAG(`_row`) OVER {window} IS NULL", f"`_stay` <> LAG(`_stay`) OVER {window}"]
    stays = _stays(keys, window) if states_count(table) else _one_stay()
    in_run = f"(PARTITION BY {keys}, `_run` ORDER BY {order})"
    next_start = f"(PARTITION BY {keys}, `_stay`, `_start` ORDER BY {order})"
    ends = "`_next_delivery` IS NOT NULL OR g.`_delivery` IS NOT NULL"
    over = "FALSE" if table.has_history else ends
    return (
        f"placed AS ({_placed()}), {stays}, "
        f"changes AS (SELECT *, CASE WHEN {' OR '.join(changes)} THEN 1 ELSE 0 END AS `_start` "
        "FROM stays WHERE `_accepted`), "
        f"runs AS (SELECT *, SUM(`_start`) OVER {window} AS `_run` FROM changes), "
        f"versions AS (SELECT *, FIRST_VALUE(`_delivery`) OVER {in_run} AS `_first_delivery`, "
        f"FIRST_VALUE(`_row`) OVER {in_run} AS `_first_row`, "
        f"LEAD(`_delivery`) OVER {next_start} AS `_next_delivery`, "
        f"LEAD(`_row`) OVER {next_start} AS `_next_row` FROM runs), "
        f"ended AS (SELECT v.*, g.`_delivery` AS `_gone_delivery`, {over} AS `_over` "
        "FROM versions v LEFT JOIN deliveries g ON g.`_state` = v.`_until` + 1) "
        f"SELECT {_kept_columns(table)}, CASE WHEN `_start` = 0 THEN 'duplicate' "
        "WHEN `_over` THEN 'superseded' ELSE 'kept' END AS `_fate`, "
        "CASE WHEN `_start` = 0 THEN `_first_delivery` "
        "WHEN `_over` THEN COALESCE(`_next_delivery`, `_gone_delivery`) END AS `_by_delivery`, "
        "CASE WHEN `_start` = 0 THEN `_first_row` WHEN `_over` THEN `_next_row` END AS `_by_row` "
        "FROM ended"
    )


def states_count(table: Cleaned) -> bool:
    """Whether a key that a snapshot lacks is gone; "history" keeps the last version it knew."""
    return table.raw.source.mode == "snapshot" and not table.has_history


def _stays(keys: str, window: str) -> str:
    """Number the stretches of snapshots in which a key is delivered, and find each one's end."""
    return (
        "seen AS (SELECT *, CASE WHEN `_state` - LAG(`_state`) OVER "
        f"{window} > 1 THEN 1 ELSE 0 END AS `_gap` FROM placed), "
        f"counted AS (SELECT *, SUM(`_gap`) OVER {window} AS `_stay` FROM seen), "
        f"stays AS (SELECT *, MAX(`_state`) OVER (PARTITION BY {keys}, `_stay`) AS `_until` "
        "FROM counted)"
    )


def _one_stay() -> str:
    return "stays AS (SELECT *, 0 AS `_stay`, CAST(NULL AS BIGINT) AS `_until` FROM placed)"


def _placed() -> str:
    return (
        "SELECT c.*, COALESCE(d.`_place`, -1) AS `_place`, COALESCE(d.`_state`, 0) AS `_state` "
        "FROM crowd c LEFT JOIN deliveries d ON d.`_delivery` = c.`_delivery` "
        "WHERE c.`_accepted` OR d.`_state` IS NOT NULL"
    )


def _kept_columns(table: Cleaned) -> str:
    return literals.names([*(c.name for c in table.columns), *CARRIED, *FLAGS])
