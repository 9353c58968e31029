"""A training set is written once to its own table, whatever becomes of the table's files."""

from __future__ import annotations

from collections.abc import Callable

from lakehouse.context import Context
from lakehouse.sdk.stages import run
from lakehouse.training.staging import built as training_set_of
from lakehouse.training.storing import store
from tests import small_shop


def test_maintenance_of_its_files_does_not_write_it_again(
    make_context: Callable[..., Context],
) -> None:
    ctx = make_context(small_shop.domain)
    small_shop.deliver(ctx.home.landing(small_shop.domain.name))
    run(ctx, ("raw", "cleaned"))
    table = ctx.table("training", small_shop.returns.learns_from.name)

    def stored() -> int:
        with (
            ctx.run("training", "returns") as noted,
            training_set_of(ctx, small_shop.returns, ctx.clock(), run=noted) as built,
        ):
            return store(ctx, built, noted)

    first = stored()
    # As compaction does: the same rows in other files, one commit later.
    table.opened().optimize.z_order(["order_id"])
    assert first + 1 == table.version()
    assert first == stored()
    assert first + 1 == table.version()
