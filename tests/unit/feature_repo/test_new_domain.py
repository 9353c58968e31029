"""A use case is a folder and an entry point: nothing of the platform knows its name."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lakehouse import Lake
from lakehouse.sdk.composition import domain_names
from lakehouse.verbs.check import check
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.run import run
from tests import plug_ins

ROOT = Path(__file__).parents[3]
CUSTOMERS = {"ada": True, "alan": False, "grace": True, "kurt": False}
"""Who fetches what they order, but for one in seven orders, of which it is otherwise."""
NEW = "tea_house"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The bakery, as pip would have installed it."""
    site = tmp_path / "site"
    plug_ins.install(site, "bakery", "lakehouse.domains", "bakery", "domain")
    monkeypatch.syspath_prepend(site)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "bakery"]:
        del sys.modules[name]


def test_folder_and_entry_point_go_from_delivery_to_model(installed: None, tmp_path: Path) -> None:
    assert "bakery" in domain_names()
    session = Session(tmp_path / "lake")
    deliver(session.folder / "landing" / "bakery" / "till" / "march.csv")
    done = run(session, {"domain": "bakery", "clock": "data"})
    steps = {(step["stage"], step["target"]): step for step in done.document}
    assert steps["cleaned", "sales"]["rows"] == 60
    assert steps["features", "habits"]["facts"]["entities"] == len(CUSTOMERS)
    trained = steps["training", "fetched"]
    assert trained["version"] == 1
    assert trained["facts"]["roc_auc"] > 0.75
    lake = Lake(session.folder)
    ada = {"customer": "ada"}
    expected = {"orders_14d": 7, "fetched_14d": 6}
    assert expected == lake.features_of("bakery", "habits", ada)
    assert expected == lake.online_features("bakery", "habits", ada)
    assert check(session, {"domain": "bakery"}).code == 0


def test_import_rules_hold_a_new_folder_without_being_told_of_it(tmp_path: Path) -> None:
    copied = shutil.ignore_patterns("__pycache__", ".*")
    for package in ("lakehouse", "feature_repo", "jobs", "serving"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=copied)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    folder = tmp_path / "feature_repo" / NEW
    folder.mkdir()
    (folder / "__init__.py").write_text("from lakehouse.declare import Domain\n")
    assert broken_rules(tmp_path) == set()
    (folder / "__init__.py").write_text(
        "import mlflow\n"
        "import lakehouse.engines.embedded\n"
        "import feature_repo.payments_fraud.tables\n"
    )
    assert broken_rules(tmp_path) == {
        "Domains never import one another",
        "Engines are loaded by name, never imported",
        "MLflow and pandera stay behind their adapters, and only the registry imports MLflow's",
    }


def test_pyproject_names_a_domain_by_its_entry_point_alone() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    domains = tomllib.loads(text)["project"]["entry-points"]["lakehouse.domains"]
    code = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for name in domains:
        assert [f'{name} = "feature_repo.{name}:domain"'] == [line for line in code if name in line]


def broken_rules(folder: Path) -> set[str]:
    """The names of the import rules that the code in a folder breaks."""
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [lint, "--no-logo", "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    assert "Contracts" in done.stdout, done.stdout + done.stderr
    return {line.partition(" BROKEN")[0] for line in done.stdout.splitlines() if " BROKEN" in line}


def deliver(file: Path) -> None:
    """Write two orders a day for a month."""
    file.parent.mkdir(parents=True)
    with open(file, "w", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow(["order_id", "customer", "price_eur", "ordered_at", "fetched"])
        for n in range(60):
            customer = list(CUSTOMERS)[n % 4]
            at = datetime(2026, 3, 1, 8, tzinfo=UTC) + timedelta(hours=12 * n)
            fetched = CUSTOMERS[customer] != (n % 7 == 0)
            rows.writerow([n, customer, "2.20", at.isoformat(), fetched])
