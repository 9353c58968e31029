"""Models of uncommitted code are registered, and serve in demonstrations alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from lakehouse.context import Context
from lakehouse.errors import GateRefused
from lakehouse.records.store import CodeVersion
from lakehouse.registry.promotion import champion, promote, versions
from lakehouse.registry.registering import Trained, train
from lakehouse.sdk.stages import run
from tests import small_shop

EDITED = CodeVersion("c0ffee", ("shop.py", "prices.py"))


@pytest.fixture
def ctx(make_context: Callable[..., Context]) -> Context:
    """A thousand orders, cleaned, and no model yet; the code has two edited files."""
    made = make_context(small_shop.domain)
    small_shop.deliver(made.home.landing(small_shop.domain.name))
    run(made, ("raw", "cleaned"))
    return replace(made, code=EDITED)


def trained(ctx: Context, promote_uncommitted: bool = False) -> Trained:
    return train(ctx, small_shop.returns, ctx.clock(), promote_uncommitted=promote_uncommitted)


def test_uncommitted_code_registers_a_model_and_bars_it_by_file(ctx: Context) -> None:
    first = trained(ctx)
    (made,) = versions(ctx, small_shop.returns)
    assert (True, False, None) == (first.changed, first.champion, champion(ctx, small_shop.returns))
    assert ("refused", ["shop.py", "prices.py"]) == (made["status"], made["uncommitted"])
    assert [
        "refused: made by code that is not committed (shop.py, prices.py), so it could not be "
        "rebuilt; commit and train again"
    ] == made["reasons"]
    assert not trained(ctx).changed

    # The edits were taken back: the same commit is now all there is.
    clean = replace(ctx, code=CodeVersion(EDITED.text))
    again = trained(clean)
    assert (True, True, 2) == (again.changed, again.champion, again.version)
    assert not trained(clean).changed


def test_a_demonstration_lets_it_serve_and_keeps_the_mark(ctx: Context) -> None:
    refused, shown = trained(ctx), trained(ctx, promote_uncommitted=True)
    assert (False, True, 2) == (refused.champion, shown.champion, shown.version)
    assert 2 == champion(ctx, small_shop.returns)
    newest = versions(ctx, small_shop.returns)[0]
    assert ("champion", ["shop.py", "prices.py"]) == (newest["status"], newest["uncommitted"])
    assert not trained(ctx, promote_uncommitted=True).changed
    with pytest.raises(GateRefused, match=r"made by code that is not committed \(shop.py, prices"):
        promote(ctx, small_shop.returns, 2)
