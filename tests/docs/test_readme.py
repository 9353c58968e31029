"""What the README shows works: its commands, its two scripts, and its contract."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest

from feature_repo.payments_fraud import sources
from lakehouse import declare
from tests.docs.pages import ROOT, Block, Shell, blocks, shell

README = ROOT / "README.md"
DEMO, TESTS, *USERS = [b for b in blocks(README) if b.language == "console"]
CONTRACT, SDK, CLIENT = [b for b in blocks(README) if b.language == "python"]
ENGINEER, SCIENTIST, APPLICATION = USERS


@pytest.fixture(scope="module")
def reader(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A shell whose lake is a copy of the small world."""
    folder = tmp_path_factory.mktemp("readme")
    lake = shutil.copytree(world, folder / "lake")
    with shell(folder, LAKEHOUSE_HOME=str(lake), LAKEHOUSE_CODE_VERSION="test") as made:
        yield made


def test_two_commands_come_first() -> None:
    """The first is what made the small world, the second what runs this test."""
    expected = ["pip install uv && uv run lakehouse demo\n", "uv run pytest\n"]
    assert [DEMO.text, TESTS.text] == expected


@pytest.mark.parametrize("block", [ENGINEER, SCIENTIST], ids=["engineer", "scientist"])
def test_commands_run(block: Block, reader: Shell) -> None:
    for command in block.text.splitlines():
        assert reader.run(command, where=block)


def test_sdk_answers(reader: Shell) -> None:
    assert SDK.mark == "sdk"
    digest_and_sizes, features, rows = reader.python(SDK.text, SDK).splitlines()
    assert re.fullmatch(r"[0-9a-f]{64} \d+ \(1000, 8\)", digest_and_sizes)
    assert "'payments_7d':" in features
    assert int(rows) >= 1


def test_application_gets_a_decision_and_reports_back(reader: Shell) -> None:
    reader.run(APPLICATION.text, where=APPLICATION)
    decision, score = reader.python(CLIENT.text, CLIENT).split()
    assert decision in ("accept", "review", "block")
    assert 0 <= float(score) <= 1


def test_contract_is_the_one_of_the_payments_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("shown_in_the_readme")
    names = {name: getattr(declare, name) for name in declare.__all__}
    vars(module).update(names, Decimal=Decimal, datetime=datetime)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(CONTRACT.text, str(CONTRACT), "exec"), vars(module))
    shown, real = module.payments, sources.payments

    def facts(table: declare.Cleaned) -> list[object]:
        parts = ("name", "kind", "key", "personal", "ge", "le", "scale", "event_time", "known_at")
        return [tuple(getattr(c, p) for p in parts) for c in table.columns]

    assert facts(shown) == facts(real)
    assert (shown.raw.source.path, shown.on_violation) == (real.raw.source.path, real.on_violation)
