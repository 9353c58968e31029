"""A curated row is known when the last of its inputs was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.errors import DeclarationError
from lakehouse.language.sql.portable import add_known_at, parse, render

Known = Callable[[str], Any]


def day(number: int | None) -> datetime | None:
    return None if number is None else datetime(2020, 1, number, tzinfo=UTC)


def frame(known: list[int | None], **columns: list[Any]) -> pa.Table:
    times = pa.array([day(n) for n in known], MICROSECONDS)
    return pa.table(columns | {"_row": list(range(len(known))), "_known_at": times})


FRAMES = {
    "payments": frame([1, 5, 3, None], id=["a", "b", "c", "d"], amount=[1, 2, 3, 4]),
    "reports": frame([4, 2, 6], id=["a", "b", "x"], why=["p", "q", "r"]),
}
INPUTS = {name: table.column_names for name, table in FRAMES.items()}


@pytest.fixture
def known(engine: EmbeddedEngine) -> Known:
    """The query's columns, and its rows with the day of their known time last."""

    def known_(sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        tree = add_known_at(parse(sql, "Curated table 'x'"), INPUTS, "Curated table 'x'")
        found = engine.to_arrow(engine.query(render(tree), FRAMES))
        rows = []
        for row in found.to_pylist():
            *values, at = row.values()
            rows.append((*values, at and at.day))
        return found.column_names, sorted(rows, key=str)

    return known_


def test_one_input_gives_its_own_time(known: Known) -> None:
    assert known("SELECT amount FROM {payments}") == (
        ["amount", "_known_at"],
        [(1, 1), (2, 5), (3, 3), (4, None)],
    )


def test_a_join_gives_the_later_time(known: Known) -> None:
    sql = "SELECT p.id FROM {payments} p JOIN {reports} r ON r.id = p.id"
    assert known(sql)[1] == [("a", 4), ("b", 5)]


@pytest.mark.parametrize(
    "join",
    [
        "{payments} p LEFT JOIN {reports} r ON r.id = p.id",
        "{reports} r RIGHT JOIN {payments} p ON r.id = p.id",
    ],
)
def test_an_absent_row_of_an_outer_join_counts_as_nothing(known: Known, join: str) -> None:
    rows = known(f"SELECT p.id, r.why FROM {join}")[1]
    assert rows == [("a", "p", 4), ("b", "q", 5), ("c", None, 3), ("d", None, None)]


def test_both_sides_of_a_full_join_may_be_absent(known: Known) -> None:
    sql = "SELECT p.id, r.id AS rid FROM {payments} p FULL JOIN {reports} r ON r.id = p.id"
    assert (None, "x", 6) in known(sql)[1]
    assert ("c", None, 3) in known(sql)[1]


def test_a_row_that_must_be_there_and_is_never_known_makes_none_known(known: Known) -> None:
    sql = "SELECT p.id FROM {payments} p JOIN {reports} r ON p.id = 'd' AND r.id = 'x'"
    assert known(sql)[1] == [("d", None)]


def test_an_aggregate_is_known_with_its_last_row(known: Known) -> None:
    sql = "SELECT amount < 3 AS small, count(*) AS n FROM {payments} GROUP BY amount < 3"
    assert known(sql)[1] == [(False, 2, None), (True, 2, 5)]
    assert known("SELECT max(why) AS m FROM {reports}")[1] == [("r", 6)]
    joined = "SELECT count(r.id) AS n FROM {payments} p LEFT JOIN {reports} r ON r.id = p.id "
    assert known(joined + "WHERE amount < 4")[1] == [(2, 5)]


def test_subqueries_and_ctes_hand_their_time_on(known: Known) -> None:
    cte = """WITH totals AS (SELECT id, sum(amount) AS total FROM {payments} GROUP BY id)
        SELECT t.total, s.why FROM totals t JOIN (SELECT id, why FROM {reports}) s ON s.id = t.id"""
    assert known(cte)[1] == [(1, "p", 4), (2, "q", 5)]


def test_a_cte_may_have_the_name_of_an_input(known: Known) -> None:
    sql = "WITH payments AS (SELECT id FROM {payments} WHERE id = 'b') SELECT id FROM payments"
    assert known(sql)[1] == [("b", 5)]


def test_a_union_of_all_rows_keeps_each_time(known: Known) -> None:
    sql = "SELECT id FROM {payments} WHERE id = 'a' UNION ALL SELECT id FROM {reports}"
    assert known(sql)[1] == [("a", 1), ("a", 4), ("b", 2), ("x", 6)]


def test_an_anti_join_reads_nothing_of_its_right_side(known: Known) -> None:
    sql = "SELECT id FROM {payments} p LEFT ANTI JOIN {reports} r ON r.id = p.id WHERE amount = 3"
    assert known(sql)[1] == [("c", 3)]


def test_constant_rows_have_no_time(known: Known) -> None:
    sql = "SELECT v.n FROM {payments} p JOIN (VALUES ('a', 7), ('b', 8)) AS v(k, n) ON v.k = p.id"
    assert known(sql)[1] == [(7, 1), (8, 5)]


def test_a_star_leaves_the_platforms_columns_out(known: Known) -> None:
    sql = "SELECT p.*, r.why FROM {payments} p JOIN {reports} r ON r.id = p.id"
    assert known(sql) == (
        ["id", "amount", "why", "_known_at"],
        [("a", 1, "p", 4), ("b", 2, "q", 5)],
    )
    assert known("SELECT * FROM {reports}")[0] == ["id", "why", "_known_at"]
    everything = "SELECT * FROM (SELECT id AS i FROM {payments}) s JOIN {reports} r ON r.id = s.i"
    assert known(everything)[0] == ["i", "id", "why", "_known_at"]


def test_a_time_that_is_selected_stays_as_it_is(known: Known) -> None:
    sql = """SELECT DISTINCT p.id, least(p._known_at, r._known_at) AS _known_at
        FROM {payments} p JOIN {reports} r ON r.id = p.id"""
    assert known(sql)[1] == [("a", 1), ("b", 2)]
    starred = "SELECT p.*, p._known_at FROM {payments} p WHERE id = 'a'"
    assert known(starred) == (["id", "amount", "_known_at"], [("a", 1, 1)])


REFUSED = {
    "SELECT DISTINCT id FROM {payments}": "DISTINCT compares whole rows",
    "SELECT id FROM {payments} UNION SELECT id FROM {reports}": "UNION compares whole rows",
    "SELECT id FROM {payments} EXCEPT SELECT id FROM {reports}": "EXCEPT compares whole rows",
    "SELECT lag(id) OVER (ORDER BY id) AS l FROM {payments}": "a window reads other rows",
    "SELECT id FROM {payments} WHERE id IN (SELECT id FROM {reports})": "subquery outside FROM",
    "SELECT id, (SELECT max(why) FROM {reports}) AS w FROM {payments}": "subquery outside FROM",
    "SELECT p.id FROM {payments} p JOIN {reports} r ON EXISTS (SELECT 1 FROM {reports})": (
        "subquery outside FROM"
    ),
    "SELECT p.id FROM {payments} p LEFT SEMI JOIN {reports} r ON r.id = p.id": "a semi join hides",
    "SELECT x.id FROM (SELECT DISTINCT id FROM {payments}) x": "DISTINCT compares whole rows",
    "SELECT id FROM elsewhere": "'elsewhere' gives no _known_at",
    "SELECT 1 AS one": "there is no FROM",
    "SELECT * FROM {payments} JOIN {reports} USING (id)": "USING stands for no plain columns",
    "SELECT id, _known_at FROM {payments} UNION ALL SELECT id, why FROM {reports}": (
        "the sides of the union have _known_at at different places"
    ),
}


@pytest.mark.parametrize("sql", REFUSED)
def test_a_time_that_cannot_be_told_is_asked_for(sql: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        add_known_at(parse(sql, "Curated table 'x'"), INPUTS, "Curated table 'x'")
    assert REFUSED[sql] in str(caught.value)
    assert "select _known_at explicitly" in str(caught.value)
