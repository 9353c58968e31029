"""What importing costs and loads, told by fresh interpreters.

Costs are processor time, of the best of several runs, with bytecode kept as an installation keeps
it. A machine that is slow today is given more time, by what Typer and Rich alone cost on it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from lakehouse.records.home import Home
from lakehouse.records.store import CodeVersion, Records
from tests import small_shop

DOMAIN_MODULES = sorted(e.module for e in entry_points(group="lakehouse.domains"))
HEAVY = [
    *("deltalake", "duckdb", "feast", "matplotlib", "mlflow", "numpy", "onnxruntime", "pandas"),
    *("pandera", "polars", "pyarrow", "pyspark", "scipy", "skl2onnx", "sklearn", "sqlglot"),
    "xgboost",
]
YARDSTICK = "import typer, rich.table, sqlite3"
YARDSTICK_SECONDS = 0.1
"""What the yardstick costs on a machine at rest."""
SHOP = str(Path(small_shop.__file__))
CONSOLE_SCRIPT = str(Path(sys.executable).parent / "lakehouse")


def cost(arguments: Sequence[str], runs: int = 7) -> float:
    """The least processor time, in seconds, that a program took."""
    spent = []
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(runs):
        process = subprocess.Popen(
            arguments,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        with process.stderr:
            complaints = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert (0, "") == (process.returncode, complaints)
        spent.append(used.ru_utime + used.ru_stime)
    return min(spent)


def slowness() -> float:
    """How many times slower than a machine at rest this one is now, at least 1."""
    return max(1.0, cost([sys.executable, "-c", YARDSTICK]) / YARDSTICK_SECONDS)


def loaded_by(program: str, home: Path | None = None) -> list[str]:
    """The modules that stand in `sys.modules` once a program is done."""
    told = f"import json, sys\n{program}\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", told],
        env={**os.environ, "LAKEHOUSE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    modules: list[str] = json.loads(done.stderr)
    return modules


def heavy(modules: Sequence[str]) -> list[str]:
    return [name for name in HEAVY if name in modules]


def command(*arguments: str) -> str:
    return (
        f"from lakehouse.cli import main\nsys.argv = ['lakehouse', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as done:\n    assert done.code in (None, 0)"
    )


@pytest.fixture
def small_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lake that has records, and no table."""
    home = Home.create(tmp_path / "lake", "data")
    records = Records(home.records, lambda: datetime(2018, 4, 2, tzinfo=UTC))
    code = CodeVersion("0" * 40)
    for table in ("payments", "reports"):
        with records.run(
            "payments_fraud", "clean", table, as_of=None, engine="embedded", code=code
        ) as run:
            run.wrote(f"cleaned/payments_fraud/{table}", 0, 1_754_155)
    records.tick("payments_fraud", 1_522_540_800_000_000)
    monkeypatch.setenv("LAKEHOUSE_HOME", str(home.path))
    return home.path


def test_both_domains_are_found_by_entry_point() -> None:
    assert {"feature_repo.flight_delay", "feature_repo.payments_fraud"} <= set(DOMAIN_MODULES)


def test_importing_every_domain_costs_at_most_three_tenths_of_a_second() -> None:
    bare = cost([sys.executable, "-c", "pass"])
    domains = cost([sys.executable, "-c", f"import {', '.join(DOMAIN_MODULES)}"])
    assert domains - bare <= 0.3 * slowness()


@pytest.mark.parametrize("module", [*DOMAIN_MODULES, "lakehouse", "lakehouse.client"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    modules = loaded_by(f"import {module}")
    assert module in modules
    assert [] == heavy(modules)


def test_importing_the_platform_loads_nothing_of_it() -> None:
    assert ["lakehouse"] == [m for m in loaded_by("import lakehouse") if "lakehouse" in m]


def test_the_client_loads_nothing_else_of_the_platform() -> None:
    modules = loaded_by("import lakehouse.client")
    assert ["lakehouse", "lakehouse.client"] == [m for m in modules if "lakehouse" in m]


@pytest.mark.parametrize("arguments", [["--help"], ["status"], ["status", "--json"], ["history"]])
def test_a_command_on_records_loads_nothing_heavy(arguments: list[str], small_lake: Path) -> None:
    assert [] == heavy(loaded_by(command(*arguments), small_lake))


def test_status_loads_no_vocabulary_of_declarations(small_lake: Path) -> None:
    modules = loaded_by(command("status"), small_lake)
    assert {"lakehouse.declare", "lakehouse.language"}.isdisjoint(modules)


@pytest.mark.parametrize("arguments", [["--help"], ["status"], ["status", "--json"]])
def test_a_command_on_records_answers_within_half_a_second(
    arguments: list[str], small_lake: Path
) -> None:
    assert cost([CONSOLE_SCRIPT, *arguments], runs=5) <= 0.5 * slowness()


@pytest.fixture(scope="module")
def trained_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of a small shop that went through every stage: its champion serves."""
    home = tmp_path_factory.mktemp("trained") / "lake"
    small_shop.deliver(home / "landing" / "small_shop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_CODE_VERSION", "test")
        loaded_by(command("run", "--clock", "data", SHOP), home)
    return home


@pytest.mark.parametrize("arguments", [["doctor"], ["status"], ["features", "list", SHOP]])
def test_a_command_on_a_lake_with_a_model_loads_nothing_heavy(
    arguments: list[str], trained_lake: Path
) -> None:
    # domains whose curated SQL is checked when they are loaded, as `doctor` loads all
    checked_sql = {"sqlglot"} if arguments == ["doctor"] else set()
    assert checked_sql == set(heavy(loaded_by(command(*arguments), trained_lake)))


def test_a_run_with_nothing_to_do_loads_what_it_looks_into_tables_with_and_no_more(
    trained_lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_CODE_VERSION", "test")
    modules = loaded_by(command("run", SHOP), trained_lake)
    assert ["deltalake", "duckdb", "numpy", "pyarrow", "sqlglot"] == heavy(modules)


def test_serving_loads_what_scores_and_no_more(trained_lake: Path) -> None:
    ended_at_once = "import uvicorn\nuvicorn.Server.run = lambda server, sockets: None\n"
    modules = loaded_by(ended_at_once + command("serve", "--port", "0"), trained_lake)
    assert "serving.app" in modules
    assert ["numpy", "onnxruntime"] == heavy(modules)


def test_status_tells_what_the_records_hold(small_lake: Path) -> None:
    answer = subprocess.run(
        [CONSOLE_SCRIPT, "status", "--json"], capture_output=True, text=True, check=True
    )
    told = json.loads(answer.stdout)
    assert [("cleaned/payments_fraud/payments", 0), ("cleaned/payments_fraud/reports", 0)] == [
        (table["table"], table["version"]) for table in told["tables"]
    ]
    assert "data: payments_fraud 2018-04-01 00:00:00" == told["lake"]["clock"]
