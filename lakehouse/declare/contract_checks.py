"""What a contract may not say: refused where it is declared."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from lakehouse.declare.columns import Column
from lakehouse.declare.constants import constant, zone_of
from lakehouse.errors import DeclarationError, described
from lakehouse.language import patterns
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION

Refusal = Callable[[str], DeclarationError]
BOUNDS = ("ge", "gt", "le", "lt")


def check(contract: str, columns: tuple[Column, ...]) -> None:
    """Raise DeclarationError for the first thing that a contract's columns say wrongly."""
    if not columns:
        raise DeclarationError(
            f"Contract {contract} has no columns; write one a line, as in payment_id: str = key()."
        )
    for c in columns:
        _check_column(c, _refusal(f"{contract}.{c.name}"))
    for role in ("event_time", "known_at"):
        holders = [c.name for c in columns if getattr(c, role)]
        if len(holders) > 1:
            raise DeclarationError(
                f"{contract} marks {len(holders)} columns as {role}: "
                f"{', '.join(holders)}. Keep one."
            )
    lower: dict[str, str] = {}
    for c in columns:
        other = lower.setdefault(c.name.lower(), c.name)
        if other != c.name:
            raise DeclarationError(
                f"{contract}: columns '{other}' and '{c.name}' differ in case alone, which SQL "
                "does not tell apart; rename one."
            )


def _refusal(where: str) -> Refusal:
    return lambda why: DeclarationError(f"{where}: {why}")


def _check_column(c: Column, wrong: Refusal) -> None:
    if c.kind == "decimal" and c.scale is None and not c.key:
        raise wrong("a Decimal needs its digits after the point: column(scale=2).")
    if c.kind != "decimal" and c.scale is not None:
        raise wrong(f"scale is for Decimal columns, this one is {c.kind}.")
    whole = isinstance(c.scale, int) and not isinstance(c.scale, bool)
    if c.scale is not None and not (whole and 0 <= c.scale < MAX_DECIMAL_PRECISION):
        raise wrong(f"scale={c.scale} must lie between 0 and {MAX_DECIMAL_PRECISION - 1}.")
    _check_role(c, wrong)
    _check_zone(c, wrong)
    if any(getattr(c, b) is not None for b in BOUNDS) and c.kind in ("string", "bool"):
        raise wrong(f"ge, le, gt and lt need an ordered type, this one is {c.kind}.")
    if c.str_matches is not None:
        _check_pattern(c, c.str_matches, wrong)
    _check_members(c, wrong)
    _check_range(c, wrong)


def _check_role(c: Column, wrong: Refusal) -> None:
    timed = c.event_time or c.known_at
    if timed and c.kind != "timestamp":
        raise wrong(f"event_time and known_at need a datetime, this one is {c.kind}.")
    if timed and c.nullable:
        role = "an event time" if c.event_time else "a known time"
        raise wrong(f"a row without {role} is in no window; leave out `| None`.")
    if c.key and c.nullable:
        raise wrong("a key column cannot be nullable; leave out `| None`.")
    if c.key and c.kind in ("float", "decimal"):
        raise wrong(
            f"a key must be compared exactly as it is written, this one is {c.kind}; "
            "declare it as str or int."
        )


def _check_zone(c: Column, wrong: Refusal) -> None:
    if c.zone == "UTC":
        return
    if c.kind != "timestamp":
        raise wrong(f"zone is for datetime columns, this one is {c.kind}.")
    if not isinstance(c.zone, str):
        raise wrong(f"zone is {described(c.zone)}; write one as 'Europe/Berlin'.")
    try:
        zone_of(c.zone)
    except (KeyError, ValueError, OSError):  # unknown, no name at all, a folder of zones
        from zoneinfo import available_timezones

        close = get_close_matches(c.zone, sorted(available_timezones()), 1)
        meant = f"did you mean '{close[0]}'?" if close else "write one as 'Europe/Berlin'."
        raise wrong(f"zone '{c.zone}' is not an IANA time zone; {meant}") from None


def _check_pattern(c: Column, pattern: str, wrong: Refusal) -> None:
    if c.kind != "string":
        raise wrong(f"str_matches is for str columns, this one is {c.kind}.")
    if not isinstance(pattern, str):
        raise wrong(f"str_matches is {described(pattern)}; write a pattern as a text.")
    try:
        patterns.parse(pattern)
    except patterns.PatternError as error:
        raise wrong(f"str_matches='{pattern}' {error}") from None


def _check_members(c: Column, wrong: Refusal) -> None:
    if isinstance(c.isin, str):
        raise wrong(
            f"isin takes several values, and was given the text '{c.isin}'; write "
            f"isin=('{c.isin}',)."
        )
    if c.isin is not None and not isinstance(c.isin, tuple):
        raise wrong(f"isin is {described(c.isin)}; write several values, as in isin=(1, 2).")
    if c.isin is not None and not c.isin:
        raise wrong("isin is empty, no value could keep it; name its members or leave it out.")
    for member in c.isin or ():
        if member is None:
            raise wrong("isin holds None; say `| None` after the type instead.")
        try:
            constant(c, member)
        except DeclarationError as error:
            raise wrong(f"isin: {error}") from None


def _check_range(c: Column, wrong: Refusal) -> None:
    bounds = {}
    for name in BOUNDS:
        if (given := getattr(c, name)) is not None:
            try:
                bounds[name] = constant(c, given)
            except DeclarationError as error:
                raise wrong(f"{name}: {error}") from None
    for low in ("ge", "gt"):
        for high in ("le", "lt"):
            if low in bounds and high in bounds:
                empty = bounds[low] > bounds[high] or (
                    bounds[low] == bounds[high] and (low, high) != ("ge", "le")
                )
                if empty:
                    raise wrong(
                        f"no value is both {low}={getattr(c, low)} and {high}={getattr(c, high)}."
                    )
