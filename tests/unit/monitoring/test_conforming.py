"""Every check of the monitoring passes the inherited suite, one that others bring too."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lakehouse.cli.app import app
from lakehouse.errors import NotFound
from lakehouse.monitoring.check import GROUP, load, names
from lakehouse.testing.check_conformance import CHECKS, MakeScene, Scene
from lakehouse.testing.conformance.comparing import NotConforming
from lakehouse.testing.mutations.checks import MUTANTS, mutant
from tests import plug_ins
from tests.unit.monitoring.conftest import SERVED_AT, SPEND, Shop, T, payment, payments

QUIET = T - timedelta(minutes=30)
"""When card c1 was used, once."""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The check of somebody else, as pip would have installed it."""
    site = tmp_path / "site"
    plug_ins.install(site, "quiet_tables", GROUP, "quiet_tables", "QuietTables")
    monkeypatch.syspath_prepend(site)
    yield
    sys.modules.pop("quiet_tables", None)


Scenes = dict[str, MakeScene]


@pytest.fixture
def scenes(a_shop: Shop, installed: None) -> Scenes:
    """For each check a lake in which it finds something that falls short."""

    def consistency() -> Scene:
        a_shop.serve(SPEND | {"payments_1d": 9})
        return Scene(
            load("consistency"),
            a_shop.ctx,
            SERVED_AT,
            lambda: a_shop.serve(SPEND),
            frozenset({"c1", "Ada"}),
        )

    def quiet_tables() -> Scene:
        def more() -> None:
            a_shop.write(payments, [payment("p8", "c1", "s1", "1.00", None, 30)])

        return Scene(load("quiet_tables"), a_shop.ctx, QUIET, more, frozenset({"c1", "Ada"}))

    return {"consistency": consistency, "quiet_tables": quiet_tables}


@pytest.mark.parametrize("check", ["consistency", "quiet_tables"])
@pytest.mark.parametrize("name", CHECKS)
def test_check_does_what_every_check_must(name: str, check: str, scenes: Scenes) -> None:
    CHECKS[name](scenes[check])


@pytest.mark.parametrize("mistake", MUTANTS)
def test_mistake_of_a_check_is_noticed(mistake: str, scenes: Scenes) -> None:
    def wrong() -> Scene:
        return mutant(scenes["quiet_tables"](), MUTANTS[mistake])

    assert any(fails(check, wrong) for check in CHECKS.values())


def fails(check: Callable[[MakeScene], None], make_scene: MakeScene) -> bool:
    try:
        check(make_scene)
    except NotConforming:
        return True
    return False


def test_installed_check_is_run_by_the_command_as_the_platforms_own(
    a_shop: Shop, installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lakehouse.sdk import composition

    monkeypatch.setattr(composition, "load_domain", lambda _: a_shop.ctx.domain)
    assert names() == ["consistency", "quiet_tables"]
    words = ["--home", str(a_shop.ctx.home.path), "--json", "check", "payments"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    consistency, quiet = json.loads(done.stdout)
    assert (consistency["check"], consistency["results"]) == ("consistency", [])
    assert (quiet["check"], quiet["version"], done.exit_code) == ("quiet_tables", 0, 3)
    verdicts = {r["subject"]: (r["value"], r["verdict"], r["cause"]) for r in quiet["results"]}
    assert verdicts == {"payments": (5, "pass", None), "cards": (1, "fail", "quiet")}
    allowed = CliRunner().invoke(app, [*words, "quiet_tables", "--allow", "quiet"])
    assert (allowed.exit_code, json.loads(allowed.stdout)[0]["version"]) == (0, 1)
    people = CliRunner().invoke(app, [*words[:2], *words[3:]], catch_exceptions=False)
    assert "cards: quiet: cards has 1 rows where 3 are the least" in people.stdout
    assert "Nothing was served." in people.stdout


def test_check_that_is_not_installed_is_named_with_those_that_are() -> None:
    with pytest.raises(NotFound, match="consistency"):
        load("drift")
