"""Derived tables are made in one way, and what that way consists of stands once."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse.context import Context
from lakehouse.engines.protocol import Frame
from lakehouse.errors import LakehouseError
from lakehouse.sdk.online import push
from lakehouse.sdk.stages import run as run_stages
from lakehouse.zones.derivation import INPUTS, Derivation, derive
from tests import small_shop

ROOT = Path(__file__).parents[3]
DAY = "rows_of_a_day"


@pytest.fixture
def ctx(make_context: Callable[..., Context]) -> Context:
    ctx = make_context(small_shop.domain)
    small_shop.deliver(ctx.home.landing(small_shop.domain.name))
    run_stages(ctx, ("raw", "cleaned"))
    return ctx


def daily(ctx: Context, facts: dict[str, str]) -> Derivation:
    """Derive a table of one number from the shop's orders."""
    inputs = (small_shop.returns.learns_from.table,)

    def make() -> tuple[Frame, int]:
        ctx.read(inputs[0], run)
        return ctx.engine.from_arrow(pa.table({"n": [len(facts)]})), 1

    with ctx.run("curated", DAY) as run:
        table = ctx.table("curated", DAY)
        return derive(ctx, run, table, ctx.data_versions(inputs), facts, make)


def test_the_same_inputs_and_facts_make_no_second_commit(ctx: Context) -> None:
    assert Derivation(1, 0, True) == daily(ctx, {"lakehouse.by": "a"})
    assert Derivation(1, 0, False) == daily(ctx, {"lakehouse.by": "a"})
    assert Derivation(1, 1, True) == daily(ctx, {"lakehouse.by": "b"})
    assert Derivation(1, 2, True) == daily(ctx, {"lakehouse.by": "a"})


def test_its_commit_names_the_versions_of_its_inputs(ctx: Context) -> None:
    daily(ctx, {})
    (commit,) = ctx.table("curated", DAY).commits()
    ref = ctx.table_of(small_shop.returns.learns_from.table)
    assert f'{{"{ref.id}": {ref.version()}}}' == commit[INPUTS]


def test_files_that_were_put_together_are_no_new_rows(ctx: Context) -> None:
    daily(ctx, {})
    ctx.table("curated", DAY).opened().optimize.z_order(["n"])
    assert Derivation(1, 0, False) == daily(ctx, {})


def test_a_commit_that_a_crash_left_out_of_the_records_is_noted_by_the_next_run(
    ctx: Context,
) -> None:
    daily(ctx, {})
    table = ctx.table("curated", DAY)
    with ctx.records.connection() as db:
        db.execute("DELETE FROM table_versions WHERE table_id = ?", (table.id,))
    assert not daily(ctx, {}).changed
    assert 0 == ctx.records.version_at(table.id)


def test_a_context_pinned_to_its_inputs_reads_no_other_table(ctx: Context) -> None:
    orders = small_shop.returns.learns_from.table
    at = ctx.pinned((orders,))
    assert {ctx.table_of(orders).id: ctx.version(orders)} == at.pins
    other = next(t for t in ctx.domain.cleaned if t.name != orders.name).raw
    with pytest.raises(LakehouseError, match="has no version at that moment"):
        at.read(other)


def test_nothing_is_written_as_of_the_past(ctx: Context) -> None:
    past = ctx.pinned()
    with pytest.raises(LakehouseError, match="stage 'curated' of 'rows_of_a_day' writes"):
        daily(past, {})
    with pytest.raises(LakehouseError, match="pushing rows writes"):
        push(past, "orders", [])


# Where each mechanism stands. A further name here is a second place: use the first one instead.
GUARDS = {"lakehouse/context.py"}
COMMITS = {
    "lakehouse/context.py": "each table of a lake",
    "lakehouse/training/staging.py": "rows of a fit, in no table of a lake",
}
NUMBERS = {"lakehouse/storage/tables.py"}
TRANSACTIONS = {
    "lakehouse/context.py": "the next one of a table's own",
    "lakehouse/zones/raw.py": "the batch that was planned, also when it is repeated",
    "lakehouse/zones/cleaning_runs.py": "the run over three tables, also when it is repeated",
    "lakehouse/training/staging.py": "the only one of a table that is thrown away",
    "lakehouse/features/online/write/materialise.py": "a version of a table, in an online store",
    "lakehouse/features/online/write/once.py": "a push, in an online store",
}
RECOGNISED = {"lakehouse/zones/derivation.py"}


def guards(node: ast.AST) -> bool:
    """A refusal of whatever comes through a pinned context."""
    return (
        isinstance(node, ast.If)
        and any(isinstance(part, ast.Raise) for part in node.body)
        and any(
            isinstance(part, ast.Compare) and ast.unparse(part).endswith(".pins is not None")
            for part in ast.walk(node.test)
        )
    )


def commits(node: ast.AST) -> bool:
    """A commit by an engine's own verb."""
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith("engine.write")


def numbers(node: ast.AST) -> bool:
    """The number after the newest that a table has seen."""
    return isinstance(node, ast.BinOp) and ".applied(" in ast.unparse(node.left)


def transactions(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "Transaction"


def recognises(node: ast.AST) -> bool:
    """A look at what the newest commit says of the rows that it wrote."""
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".written")


@pytest.fixture(scope="module")
def modules() -> dict[str, list[ast.AST]]:
    """The platform's modules but those of the engines, which are below, and of their suites."""
    files = {str(file.relative_to(ROOT)): file for file in (ROOT / "lakehouse").rglob("*.py")}
    apart = ("lakehouse/engines/", "lakehouse/testing/")
    return {
        name: list(ast.walk(ast.parse(file.read_text())))
        for name, file in files.items()
        if not name.startswith(apart)
    }


@pytest.mark.parametrize(
    ("mechanism", "places"),
    [
        (guards, GUARDS),
        (commits, set(COMMITS)),
        (numbers, NUMBERS),
        (transactions, set(TRANSACTIONS)),
        (recognises, RECOGNISED),
    ],
)
def test_each_part_of_it_stands_in_one_place(
    mechanism: Callable[[ast.AST], bool], places: set[str], modules: dict[str, list[ast.AST]]
) -> None:
    found = {name for name, nodes in modules.items() if any(map(mechanism, nodes))}
    assert places == found


@pytest.mark.parametrize(
    ("mechanism", "copy"),
    [
        (guards, "if ctx.pins is not None:\n    raise LakehouseError('only now')"),
        (commits, "self.ctx.engine.write(ref, frame, 'overwrite', once, meant)"),
        (commits, "engine.write(ref, frame, 'append', once)"),
        (numbers, "number = max(ref.applied(application), 0) + 1"),
        (numbers, "number = ref.applied(application) + 1"),
        (transactions, "once = Transaction(application, number)"),
        (recognises, "same = ref.written().get(DIGEST) == digest"),
    ],
)
def test_a_second_copy_is_noticed(mechanism: Callable[[ast.AST], bool], copy: str) -> None:
    assert any(map(mechanism, ast.walk(ast.parse(copy))))


def test_a_pinned_read_is_no_guard() -> None:
    """What a context of the past does read is not refused."""
    source = "if self.pins is not None:\n    return self.pins[name]"
    assert not any(map(guards, ast.walk(ast.parse(source))))
