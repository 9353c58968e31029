from __future__ import annotations

import pytest

from lakehouse import errors
from lakehouse.errors import LakehouseError, unknown


def test_a_near_miss_is_answered_with_what_was_meant() -> None:
    assert (
        "Payment has no column 'amount'; did you mean 'amount_eur'? It has: amount_eur, card_id."
        == unknown("column", "amount", ["card_id", "amount_eur"], "Payment")
    )


def test_nonsense_is_answered_with_what_there_is() -> None:
    assert "This lake has no tag 'xyz'. It has: before, v1." == unknown(
        "tag", "xyz", ["v1", "before"], "This lake"
    )


def test_where_there_is_nothing_it_is_said() -> None:
    assert "This lake has no tag 'v1'. It has none." == unknown("tag", "v1", [], "This lake")


@pytest.mark.parametrize(
    ("count", "more"), [(5, ""), (6, " … and 1 more"), (700, " … and 695 more")]
)
def test_at_most_five_names_are_told(count: int, more: str) -> None:
    names = [f"column_{n:03}" for n in range(count)]
    message = unknown("column", "zzz", names, "Payment")
    assert message.endswith(f"{more}.")
    assert 5 == message.count("column_")


def test_the_nearest_of_many_are_told() -> None:
    names = [*(f"column_{n:03}" for n in range(700)), "amount_eur"]
    message = unknown("column", "amount", names, "Payment")
    assert message.startswith("Payment has no column 'amount'; did you mean 'amount_eur'?")
    assert message.endswith(" … and 696 more.")


def test_every_error_of_the_platform_is_one_family() -> None:
    raised = [e for e in vars(errors).values() if getattr(e, "__module__", "") == errors.__name__]
    kinds = [e for e in raised if isinstance(e, type)]
    assert [] == [e.__name__ for e in kinds if not issubclass(e, LakehouseError)]
    assert LakehouseError in kinds
