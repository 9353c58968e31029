"""What a verb says of its parameters, and what is refused of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import pytest

from lakehouse.errors import DeclarationError, LakehouseError
from lakehouse.verbs.core.answer import Answer, said
from lakehouse.verbs.core.parameters import Argument, Option, moment, parameters
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import Verb


def greet(
    session: Session,
    name: Annotated[str, Argument("Whom.")],
    others: Annotated[list[str] | None, Argument("And whom else.")] = None,
    at: Annotated[datetime | None, Option("When.", ("--from",))] = None,
    loud: Annotated[bool, Option("Loudly.")] = False,
    times: Annotated[int, Option("How often.", in_job=2)] = 1,
) -> Answer:
    """Greet somebody."""
    return said(f"{name} {others} {at} {loud} {times} in {session.folder}")


def test_a_signature_says_all_of_its_parameters() -> None:
    name, others, at, loud, times = parameters(greet)
    assert (name.kind, name.required, name.flags) == (str, True, ())
    assert (others.kind, others.many, others.required, others.default) == (str, True, False, None)
    assert (at.kind, at.reads, at.flags) == (datetime, True, ("--from",))
    assert (loud.kind, loud.deniable, loud.flags) == (bool, True, ("--loud",))
    assert (times.kind, times.default, times.deniable) == (int, 1, False)


def test_values_that_are_left_out_have_their_defaults_and_moments_are_read() -> None:
    verb = Verb("greet", greet)
    answer = verb(Session(Path("lake")), {"name": "Ada", "others": None, "at": "2018-09-30"})
    (line,) = answer.parts
    assert str(line) == str(said("Ada None 2018-09-30 00:00:00+00:00 False 1 in lake").parts[0])


def test_a_moment_without_a_zone_is_of_utc() -> None:
    assert moment("2018-09-30T02:00:00+02:00") == datetime(2018, 9, 30, tzinfo=UTC)
    assert moment("2018-09-30") == datetime(2018, 9, 30, tzinfo=UTC)
    with pytest.raises(LakehouseError, match="'yesterday' is not a moment: write 2018-09-30"):
        moment("yesterday")


def unmarked(session: Session, name: str) -> Answer: ...


def unread(session: Session, sizes: Annotated[dict[str, int], Option("Sizes.")]) -> Answer: ...


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (unmarked, "'name' of verb 'unmarked' is neither argument nor option"),
        (unread, "'sizes' of verb 'unread' is of type .* which is none of str, int"),
    ],
)
def test_a_parameter_that_nobody_can_give_is_refused(function: Any, why: str) -> None:
    with pytest.raises(DeclarationError, match=why):
        parameters(function)
