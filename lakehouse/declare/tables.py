"""Sources and the tables of the three zones: raw, cleaned and curated."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from lakehouse.declare.arguments import no_repeats, one, several
from lakehouse.declare.calls import declares
from lakehouse.declare.contract import Column, Contract, ContractSpec, contract_spec
from lakehouse.declare.fields import set_fields
from lakehouse.errors import DeclarationError, unknown

SourceMode = Literal["append", "snapshot"]
OnConflict = Literal["quarantine", "latest", "history"]
OnViolation = Literal["quarantine", "drop", "stop"]
DELIVERED = "{delivered_at}"
TEXT_FORMATS = ("csv", "jsonl")
FORMATS = (*TEXT_FORMATS, "parquet")
PACKED = (".gz", ".zst")
"""Formats of delivered files, by whose names they end; only text is packed as a whole."""
ENDINGS = (*(f".{f}" for f in FORMATS), *(f".{f}{p}" for f in TEXT_FORMATS for p in PACKED))
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def check_name(kind: str, name: str) -> None:
    """Refuse names that are not lower snake case: they become folders, columns and routes."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DeclarationError(
            f"{kind} name '{name}' must be lower snake case, as in 'card_spend' "
            "(letters, digits, single underscores between them; a letter first)."
        )


def check_choice(where: str, option: str, value: str, choices: Iterable[str]) -> None:
    if value not in choices:
        raise DeclarationError(f"{where}: {option}='{value}' is not one of {', '.join(choices)}.")


@declares("Source('payment_feed', Payment, 'payments/*.csv')")
@dataclass(frozen=True, init=False)
class Source:
    """Files that somebody delivers: where they land, what their rows must be.

    `path` is a glob below the domain's landing folder; CSV with a header, JSON lines and Parquet
    are told apart by their endings (`.csv`, `.jsonl`, `.parquet`, with `.gz` or `.zst` after the
    first two). `{delivered_at}` in the path stands for the delivery's declared time, a date or
    a date and time such as `2013-02-01` or `2013-02-01T06`, in UTC: rows of a contract without a
    known-at column are known from that time on.

    `mode`: "append", each delivery brings further rows; "snapshot", each delivery is the whole
    state, and keys missing from the newest snapshot are superseded.
    `on_new_column`: "keep" (raw holds it, as text) or "refuse" the file.
    `on_missing_column`: "null" if the contract allows null there, or "refuse" the file in any case.
    """

    name: str
    contract: ContractSpec
    path: str
    mode: SourceMode
    on_new_column: Literal["keep", "refuse"]
    on_missing_column: Literal["null", "refuse"]
    description: str

    def __init__(
        self,
        name: str,
        contract: type[Contract] | ContractSpec,
        path: str,
        mode: SourceMode = "append",
        on_new_column: Literal["keep", "refuse"] = "keep",
        on_missing_column: Literal["null", "refuse"] = "null",
        description: str = "",
    ) -> None:
        check_name("Source", name)
        where = f"Source '{name}'"
        check_choice(where, "mode", mode, ("append", "snapshot"))
        check_choice(where, "on_new_column", on_new_column, ("keep", "refuse"))
        check_choice(where, "on_missing_column", on_missing_column, ("null", "refuse"))
        spec = contract_spec(contract, where)
        one(where, "path", path, (str,), "path='payments/*.csv'")
        _check_path(where, path)
        if spec.known_at is None and DELIVERED not in path:
            raise DeclarationError(
                f"{where} does not say when its rows are known: mark a column known_at(), say "
                f"event_time(known=True), or put {DELIVERED} in the path '{path}'."
            )
        if mode == "snapshot" and not spec.keys:
            raise DeclarationError(f"{where}: a snapshot needs a key(); {spec.name} has none.")
        set_fields(
            self,
            name=name,
            contract=spec,
            path=path,
            mode=mode,
            on_new_column=on_new_column,
            on_missing_column=on_missing_column,
            description=description,
        )


def _check_path(where: str, path: str) -> None:
    parts = path.split("/")
    if path.startswith("/") or not path or ".." in parts or "\\" in path:
        raise DeclarationError(
            f"{where}: path '{path}' must lie below the landing folder, as in 'payments/*.csv'."
        )
    if not _may_be_read(parts[-1]):
        raise DeclarationError(
            f"{where}: path '{path}' takes no file that is read: let it end in .csv, .jsonl or "
            ".parquet (.gz or .zst may follow the first two), or in * for all of them."
        )
    for wanted in re.findall(r"\{[^{}]*\}?|\}", path.replace(DELIVERED, "", 1)):
        again = "stands in it twice" if wanted == DELIVERED else "means nothing there"
        raise DeclarationError(
            f"{where}: path '{path}': {wanted} {again}; {DELIVERED}, once, is all that may stand "
            "in braces."
        )


def _may_be_read(pattern: str) -> bool:
    """Whether a pattern takes a name with an ending that is read; `*.gz` does, `*.tsv` not."""
    literal = re.split(r"[*?\]]", pattern.lower())[-1]
    whole = literal == pattern.lower()
    return any(
        literal.endswith(ending) or (not whole and ending.endswith(literal)) for ending in ENDINGS
    )


@declares("Raw('payments_raw', payment_feed)")
@dataclass(frozen=True)
class Raw:
    """The append-only table that holds a source's rows exactly as delivered."""

    name: str
    source: Source
    zone: Literal["raw"] = field(default="raw", init=False)

    def __post_init__(self) -> None:
        check_name("Raw table", self.name)
        one(f"Raw table '{self.name}'", "source", self.source, (Source,), "a Source(...)")


@declares("Cleaned('payments', Raw('payments_raw', payment_feed))")
@dataclass(frozen=True)
class Cleaned:
    """Rows of a raw table that keep its contract, typed.

    `on_violation`: "quarantine" keeps the row aside with every failed check, "drop" counts it
    only, "stop" ends the run before anything is written.
    `on_conflict`, for rows of one key with different content: "quarantine" the later one,
    "latest" keeps the one known last, "history" keeps every version with its known time.
    """

    name: str
    raw: Raw
    on_violation: OnViolation = "quarantine"
    on_conflict: OnConflict = "quarantine"
    description: str = ""
    zone: Literal["cleaned"] = field(default="cleaned", init=False)

    def __post_init__(self) -> None:
        check_name("Cleaned table", self.name)
        where = f"Cleaned table '{self.name}'"
        one(where, "raw", self.raw, (Raw,), f"Raw('{self.name}_raw', source)")
        check_choice(where, "on_violation", self.on_violation, ("quarantine", "drop", "stop"))
        check_choice(where, "on_conflict", self.on_conflict, ("quarantine", "latest", "history"))
        if self.raw.source.mode == "snapshot" and self.on_conflict == "quarantine":
            raise DeclarationError(
                f"{where}: a snapshot brings changed rows by nature; say on_conflict='latest' "
                "or 'history'."
            )
        if self.on_conflict != "quarantine" and not self.keys:
            raise DeclarationError(
                f"{where}: on_conflict='{self.on_conflict}' is about rows of one key, and "
                f"{self.contract.name} has no key(); mark one, or leave on_conflict out."
            )

    @property
    def contract(self) -> ContractSpec:
        return self.raw.source.contract

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.contract.columns

    @property
    def keys(self) -> tuple[str, ...]:
        return self.contract.keys

    @property
    def event_time(self) -> str | None:
        return self.contract.event_time

    @property
    def has_history(self) -> bool:
        """Whether one key may stand in several rows, told apart by known time."""
        return self.on_conflict == "history"

    def __getitem__(self, column: str) -> TableColumn:
        return TableColumn(self, table_column(self, column).name)


@declares(
    "Curated('all_payments', 'SELECT * FROM {payments}', inputs=(payments,), contract=Payment)"
)
@dataclass(frozen=True, init=False)
class Curated:
    """A business table: portable Spark SQL over other tables, which it names as `{table}`.

    `contract` documents and types the result; its key and event time are the table's. `sql`
    names every input in braces: `FROM {payments} p`. The platform adds `_known_at`, the greatest
    of the inputs' known times, when the SQL does not give one: it must then select from inputs
    joined by plain joins.
    """

    name: str
    sql: str
    inputs: tuple[Cleaned | Curated, ...]
    contract: ContractSpec
    description: str
    zone: Literal["curated"]

    def __init__(
        self,
        name: str,
        sql: str,
        inputs: Iterable[Cleaned | Curated],
        contract: type[Contract] | ContractSpec,
        description: str = "",
    ) -> None:
        check_name("Curated table", name)
        where = f"Curated table '{name}'"
        one(where, "sql", sql, (str,), "sql='SELECT * FROM {payments}'")
        inputs = several(where, "inputs", inputs, (Cleaned, Curated), "inputs=(payments,)")
        no_repeats(where, "input", (t.name for t in inputs))
        if not inputs:
            raise DeclarationError(f"{where} reads no table; write inputs=(payments,).")
        named = {t.name for t in inputs}
        wanted = set(re.findall(r"\{([^{}]*)\}", sql))
        for table in sorted(wanted - named):
            raise DeclarationError(unknown("input", table, named, where))
        if named - wanted:
            raise DeclarationError(
                f"{where}: the SQL never names {{{'}, {'.join(sorted(named - wanted))}}}; "
                "use every input or leave it out."
            )
        spec = contract_spec(contract, where)
        set_fields(
            self,
            name=name,
            sql=sql,
            inputs=inputs,
            contract=spec,
            description=description,
            zone="curated",
        )

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.contract.columns

    @property
    def keys(self) -> tuple[str, ...]:
        return self.contract.keys

    @property
    def event_time(self) -> str | None:
        return self.contract.event_time

    @property
    def has_history(self) -> bool:
        return False

    def __getitem__(self, column: str) -> TableColumn:
        return TableColumn(self, table_column(self, column).name)


Table = Cleaned | Curated


@dataclass(frozen=True)
class TableColumn:
    """A column of a table, as in `labelled["is_fraud"]`."""

    table: Table
    name: str


def table_column(table: Table, name: str, where: str = "") -> Column:
    """Return a table's column; raises DeclarationError naming the columns it has."""
    by_name = {c.name: c for c in table.columns}
    if name not in by_name:
        subject = f"{where}: table '{table.name}'" if where else f"Table '{table.name}'"
        raise DeclarationError(unknown("column", name, by_name, subject))
    return by_name[name]
