"""Rows of a contract, read from JSON: exact types, every check, errors by field.

The usual case is one pass of msgspec into a generated struct and a few checks. Only a body that
fails is read a second time, slowly, to name every field at fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from lakehouse.declare.contract import Column, ContractSpec
from lakehouse.errors import unknown
from serving.problems import FieldError, Problem, field_problem
from serving.values import Unfit, finisher

Row = dict[str, Any]
TYPES: dict[str, type] = {
    "string": str,
    "int": int,
    "float": float,
    "decimal": Decimal,
    "bool": bool,
    "timestamp": datetime,
    "date": date,
}
_EXPECTED = {
    "string": "must be a string",
    "int": "must be a whole number",
    "float": "must be a number",
    "decimal": "must be a decimal, as a number or a string",
    "bool": "must be true or false",
    "timestamp": "must be a time such as 2018-04-01T10:00:00Z",
    "date": "must be a date such as 2018-04-01",
}
_MISSING = "is missing"
_NULL = "must not be null"


class RowReader:
    """Reads rows of one contract. `may_miss` names columns that a body may leave out.

    A row is a dict of every column in declared order: str, int, float, Decimal at the declared
    scale, bool, date, or datetime in UTC (one without a zone is of the column's zone). A nullable
    column, or one that may be missing, is None when it is absent or null.
    """

    def __init__(self, spec: ContractSpec, where: str, may_miss: Iterable[str] = ()) -> None:
        self.spec, self.where = spec, where
        self.may_miss = frozenset(may_miss)
        fields = [
            (c.name, TYPES[c.kind] | None, None) if self.optional(c) else (c.name, TYPES[c.kind])
            for c in spec.columns
        ]
        struct: Any = msgspec.defstruct(
            spec.name, fields, forbid_unknown_fields=True, kw_only=True, gc=False
        )
        self._one = msgspec.json.Decoder(struct)
        self._many = msgspec.json.Decoder(list[struct])
        # Empty text is null, as it is in delivered files.
        self._blank_is_null = tuple(
            c.name for c in spec.columns if c.kind == "string" and c.nullable
        )
        self._finish: dict[str, Callable[[Any], Any]] = {
            c.name: finish for c in spec.columns if (finish := finisher(c)) is not None
        }

    def optional(self, column: Column) -> bool:
        """Whether a body may leave this column out."""
        return column.nullable or column.name in self.may_miss

    def one(self, body: bytes) -> Row:
        """Read one row; raises a 400 or 422 Problem."""
        try:
            return self._finished(self._one.decode(body))
        except (msgspec.ValidationError, Unfit):
            row = _parse(body, self.where)
            errors = self._errors(row, None)
            raise field_problem(self.where, errors or [_whole(None)]) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _not_json(self.where) from None

    def many(self, body: bytes, most: int) -> list[Row]:
        """Read one row, or a list of at most `most`; one bad row refuses them all."""
        if not body.lstrip().startswith(b"["):
            return [self.one(body)]
        try:
            found = self._many.decode(body)
            if len(found) <= most:
                return [self._finished(item) for item in found]
        except (msgspec.ValidationError, Unfit):
            pass
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _not_json(self.where) from None
        rows = _parse(body, self.where)
        if len(rows) > most:
            raise Problem(
                413, f"{len(rows)} rows were sent at once.", self.where, f"Send at most {most}."
            )
        errors = [error for n, row in enumerate(rows) for error in self._errors(row, n)]
        raise field_problem(self.where, errors or [_whole(None)], rows=True)

    def _finished(self, item: Any) -> Row:
        row: Row = msgspec.structs.asdict(item)
        for name in self._blank_is_null:
            row[name] = row[name] or None
        for name, finish in self._finish.items():
            value = row[name]
            if value is not None:
                row[name] = finish(value)
        return row

    def _errors(self, row: Any, number: int | None) -> list[FieldError]:
        """Every field at fault, in declared order, then fields that the contract has not."""
        if not isinstance(row, Mapping):
            return [_whole(number)]
        found = []
        for c in self.spec.columns:
            reason = self._reason(c, row)
            if reason is not None:
                found.append(FieldError(c.name, reason, number))
        for name in row.keys() - self.spec.by_name.keys():
            told = unknown("field", _shown(name), self.spec.by_name, self.spec.name)
            found.append(FieldError(_shown(name), f"is unknown: {told}", number))
        return found

    def _reason(self, column: Column, row: Mapping[str, Any]) -> str | None:
        value = row.get(column.name)
        if value is None or (value == "" and column.name in self._blank_is_null):
            if self.optional(column):
                return None
            return _NULL if column.name in row else _MISSING
        try:
            typed: Any = msgspec.convert(value, TYPES[column.kind])
            if finish := self._finish.get(column.name):
                finish(typed)
        except Unfit as unfit:
            return str(unfit)
        except msgspec.ValidationError:
            return _EXPECTED[column.kind]
        return None


def _whole(number: int | None) -> FieldError:
    return FieldError("(row)", "must be a JSON object", number)


def _shown(name: str) -> str:
    """A field name of the caller's own, cut so that a misplaced value is not told back whole."""
    return name if len(name) <= 40 else f"{name[:40]}…"


def _parse(body: bytes, where: str) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _not_json(where) from None


def _not_json(where: str) -> Problem:
    return Problem(
        400,
        "The body is not JSON in UTF-8.",
        where,
        "Send one JSON object, with Content-Type: application/json.",
    )
