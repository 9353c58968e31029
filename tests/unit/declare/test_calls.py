"""What declares, called wrongly: each public name, each of its arguments."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from lakehouse import declare
from lakehouse.declare import (
    Cleaned,
    Contract,
    Count,
    Curated,
    Entity,
    FeatureView,
    Gate,
    Model,
    Raw,
    RequestView,
    Source,
    TrainingSet,
    at_least,
    column,
    event_time,
    key,
    last,
)
from lakehouse.declare.calls import EXAMPLE, declares
from lakehouse.errors import DeclarationError


class Payment(Contract):
    payment_id: str = key()
    card_id: str
    amount_eur: Decimal = column(scale=2)
    country: str
    paid_at: datetime = event_time(known=True)


class Labelled(Payment):
    is_fraud: bool


def fit(X: Any, y: Any) -> Any:
    return X, y


def trees() -> Any:
    return None


payment_feed = Source("payment_feed", Payment, "payments/*.csv")
payments = Cleaned("payments", Raw("payments_raw", payment_feed))
labelled = Curated("labelled", "SELECT * FROM {payments}", inputs=(payments,), contract=Labelled)
card = Entity("card", key="card_id")
card_spend = FeatureView("card_spend", of=payments, by=card, payments=Count(over=last("7d")))
fraud_training = TrainingSet(
    "fraud_training",
    label=labelled["is_fraud"],
    request=Payment,
    features=(card_spend,),
    train_last="28d",
    test_last="7d",
)
fraud = Model("fraud", learns_from=fraud_training, fit=fit, gate=Gate(at_least("roc_auc", 0.8)))

WORLD = {name: getattr(declare, name) for name in declare.__all__} | globals()
DECLARING = {name: getattr(declare, name) for name in declare.__all__ if name != "Contract"}
"""A contract is a class that is declared, and not called."""


def calls() -> Iterator[tuple[str, inspect.BoundArguments]]:
    """Each declaring name, and the arguments of its example."""
    for name, declaring in DECLARING.items():

        def caught(*positional: Any, **named: Any) -> Any:
            return positional, named

        positional, named = eval(getattr(declaring, EXAMPLE), WORLD | {name: caught})
        yield name, inspect.signature(declaring).bind(*positional, **named)


CALLS = dict(calls())


def options(name: str) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(DECLARING[name]).parameters
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {n: p for n, p in parameters.items() if p.kind in named}


def given_by_name(name: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a name's example, all that can have one by its name."""
    bound = CALLS[name]
    positional: tuple[Any, ...] = ()
    named: dict[str, Any] = {}
    for parameter in bound.signature.parameters.values():
        if parameter.name not in bound.arguments:
            continue
        value = bound.arguments[parameter.name]
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            positional = value
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            named |= value
        else:
            named[parameter.name] = value
    return positional, named


def refused(name: str, /, *positional: Any, **named: Any) -> str:
    with pytest.raises(DeclarationError) as error:
        DECLARING[name](*positional, **named)
    return str(error.value)


@pytest.mark.parametrize("name", DECLARING)
def test_the_example_of_what_declares_can_be_written(name: str) -> None:
    assert name in getattr(DECLARING[name], EXAMPLE)
    assert eval(getattr(DECLARING[name], EXAMPLE), dict(WORLD)) is not None


@pytest.mark.parametrize("name", DECLARING)
def test_a_call_without_an_argument_that_is_needed_names_it_and_shows_the_right_call(
    name: str,
) -> None:
    positional, named = given_by_name(name)
    for option, parameter in options(name).items():
        if parameter.default is parameter.empty:
            rest = {n: v for n, v in named.items() if n != option}
            said = refused(name, *positional, **rest)
            assert f"'{option}' is missing" in said
            assert getattr(DECLARING[name], EXAMPLE) in said


@pytest.mark.parametrize("name", [name for name in DECLARING if options(name)])
def test_a_misspelt_argument_is_refused_with_what_was_meant(name: str) -> None:
    positional, named = given_by_name(name)
    for option in options(name):
        rest = {n: v for n, v in named.items() if n != option}
        # One letter twice: close to what was meant, and the name of no other option.
        for misspelt in {option[:n] + option[n] + option[n:] for n in range(len(option))}:
            value = named.get(option, object())
            said = refused(name, *positional, **{misspelt: value}, **rest)
            assert option in said
            assert misspelt in said


@pytest.mark.parametrize("name", [name for name in DECLARING if not options(name)])
def test_what_takes_no_argument_says_so(name: str) -> None:
    said = refused(name, length="7d")
    assert "there is no 'length'; it takes nothing." in said


def takes_any_number(name: str) -> bool:
    parameters = inspect.signature(DECLARING[name]).parameters.values()
    return any(p.kind is p.VAR_POSITIONAL for p in parameters)


@pytest.mark.parametrize("name", [name for name in DECLARING if not takes_any_number(name)])
def test_an_argument_too_many_is_refused(name: str) -> None:
    said = refused(name, *[object()] * (len(options(name)) + 1))
    assert getattr(DECLARING[name], EXAMPLE) in said


AWKWARD: list[Any] = [None, 7, -1.5, True, "", "text", b"bytes", (), ("a", "a"), {}, object(), int]


@pytest.mark.parametrize("name", DECLARING)
def test_an_argument_of_any_kind_is_taken_or_refused_as_a_declaration(name: str) -> None:
    positional, named = given_by_name(name)
    for option in options(name):
        for value in AWKWARD:
            with contextlib.suppress(DeclarationError):
                DECLARING[name](*positional, **named | {option: value})


@pytest.mark.parametrize("name", DECLARING)
def test_what_is_said_in_words_is_a_text(name: str) -> None:
    positional, named = given_by_name(name)
    for option in {"description", "owner"} & set(options(name)):
        said = refused(name, *positional, **named | {option: 7})
        assert f"{option} is the int 7; write it as a text." in said


def in_a_declaration(name: str, made: Any) -> Any:
    """What becomes of a column, an aggregate, a window, a rule, a claim or a gate."""
    if name in ("column", "key", "event_time", "known_at"):
        hint = {"column": Decimal, "key": str}.get(name, datetime)
        return type("Row", (Contract,), {"__annotations__": {"value": hint}, "value": made})
    if name == "Rule":
        return Model("m", learns_from=fraud_training, fit=fit, gate=Gate(), rules=(made,))
    if name in ("at_least", "at_most", "beats", "Gate"):
        gate = made if name == "Gate" else Gate(made)
        return Model("m", learns_from=fraud_training, fit=fit, gate=gate)
    if name in ("last", "ever"):
        made = Count(over=made)
    return FeatureView("v", of=payments, by=card, value=made)


PARTS = [
    name
    for name, declaring in DECLARING.items()
    if not isinstance(declaring, type) or name in ("Rule", "Gate")
]


@pytest.mark.parametrize("name", PARTS)
def test_what_stands_in_a_declaration_is_refused_there_at_the_latest(name: str) -> None:
    positional, named = given_by_name(name)
    in_a_declaration(name, DECLARING[name](*positional, **named))
    for option in options(name):
        for value in AWKWARD:
            with contextlib.suppress(DeclarationError):
                made = DECLARING[name](*positional, **named | {option: value})
                in_a_declaration(name, made)


def test_an_argument_given_twice_is_refused() -> None:
    said = refused("Entity", "card", "card_id", key="card_id")
    assert "'key' is given twice, once without its name" in said


def test_a_name_of_the_callers_own_is_no_option_unless_it_is_refused() -> None:
    view = RequestView("at", request=Payment, owners="amount_eur > 5")
    assert ["owners"] == [feature.name for feature in view.features]
    said = refused("RequestView", "at", request=Payment, ownr="risk@bank.example")
    assert "If 'ownr' is meant to be the option, write owner=." in said


def test_an_option_of_a_contract_that_there_is_not_is_refused() -> None:
    with pytest.raises(DeclarationError, match="has no option 'ownr'; say who owns it, as in"):
        type("Order", (Contract,), {"__annotations__": {"order_id": str}}, ownr="me")


def test_what_declares_keeps_its_name_and_its_signature() -> None:
    @declares("doubled(1)")
    def doubled(number: int) -> int:
        """Twice as much."""
        return 2 * number

    assert ("doubled", "Twice as much.", 4) == (doubled.__name__, doubled.__doc__, doubled(2))
    assert ["number"] == list(inspect.signature(doubled).parameters)
    assert "name" in inspect.signature(Source).parameters
