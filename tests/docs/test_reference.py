"""Whatever has a public name has a place on its reference page."""

from __future__ import annotations

import inspect
import re
import sqlite3
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from lakehouse import Lake, declare
from lakehouse.cli.app import app
from lakehouse.client import Client, Prediction
from lakehouse.declare.contract import _KINDS
from lakehouse.declare.gates import metrics_of
from lakehouse.language import provenance
from lakehouse.language.expressions import FUNCTIONS
from lakehouse.language.expressions.text import _COMPARISONS
from lakehouse.language.sql import functions as portable_functions
from lakehouse.monitoring import results
from lakehouse.records.home import Home
from lakehouse.records.store import Records
from lakehouse.sdk.lake import ZONES
from serving.app import create_app
from serving.metrics import Metrics
from serving.roles import declared
from serving.settings import Settings
from tests.docs.pages import DOCS, ROOT

REFERENCE = DOCS / "reference"


def text(page: str) -> str:
    return (REFERENCE / f"{page}.md").read_text()


def sections(page: str) -> dict[str, str]:
    """What stands under each heading of a page whose heading is code, without that code's marks."""
    parts = re.split(r"^#{2,3} (.+)$", text(page), flags=re.MULTILINE)
    named = zip(parts[1::2], parts[2::2], strict=True)
    return {head.strip("`"): body for head, body in named if head.startswith("`")}


def codes(body: str) -> set[str]:
    """What stands in single back quotes."""
    return set(re.findall(r"`([^`\n]+)`", body))


def parameters(function: Any) -> Iterator[str]:
    for name, parameter in inspect.signature(function).parameters.items():
        if name != "self" and parameter.kind is not parameter.POSITIONAL_ONLY:
            yield name


def test_every_declaration_is_described_with_its_arguments() -> None:
    found = sections("declarations")
    assert set(found) == set(declare.__all__)
    for name in declare.__all__:
        declaration = getattr(declare, name)
        of = declare.Contract.__init_subclass__ if name == "Contract" else declaration
        named = set(parameters(of)) - {"options"}
        assert named <= codes(found[name]), (name, named - codes(found[name]))


def test_every_type_of_a_column_is_read_by_the_grammar() -> None:
    names = {kind.__name__ for kind in _KINDS}
    assert names <= codes(text("declarations"))
    assert names <= codes(text("typing-grammar"))


def test_every_function_and_operator_of_expressions_is_described() -> None:
    page = codes(text("expressions"))
    rows = set(text("expressions").partition("## Functions")[2].splitlines())
    assert {f"| `{one.written}` | {one.gives} |" for one in FUNCTIONS.values()} <= rows
    assert set(_COMPARISONS) <= page
    for word in ("or", "and", "not", "+", "-", "*", "/", "%", "is null"):
        assert word in page
    for start in ("in (", "between ", "case when "):
        assert any(found.startswith(start) for found in page)


def test_every_function_of_portable_sql_is_described_and_no_other() -> None:
    page = codes(text("portable-sql").partition("## Functions")[2].partition("## The known")[0])
    shown = {found.partition("(")[0] for found in page}
    calls = [re.findall(r"(\w+)\(", how) for how in portable_functions.FUNCTIONS.values()]
    listed = {name for names in calls for name in names} | set(portable_functions.FUNCTIONS)
    assert listed <= shown
    assert shown - listed == {"dateadd", "OVER"}


def test_every_operator_and_type_of_portable_sql_is_described() -> None:
    page = text("portable-sql")
    for operator in portable_functions.OPERATORS.split():
        assert operator in page
    types = re.findall(r"[A-Z]+(?:\(.*?\))?", portable_functions.TYPE_NAMES)
    assert set(types) <= codes(page)


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for name, part in command.commands.items():
            yield from leaves(part, (*path, name))
    else:
        yield " ".join(path), command


def test_every_command_is_described_with_its_arguments_and_options() -> None:
    found = sections("command-line")
    described = {}
    for head, body in found.items():
        words = head.removeprefix("lakehouse ").split()
        path = " ".join(word for word in words if word.islower())
        described[path] = (head, body)
    root: Any = typer.main.get_command(app)
    existing = dict(leaves(root))
    assert set(described) == set(existing)
    for path, command in existing.items():
        head, body = described[path]
        for parameter in command.params:
            if parameter.param_type_name == "argument":
                assert parameter.name.upper() in head, (path, parameter.name)
            else:
                assert set(parameter.opts) <= codes(body), (path, parameter.opts)
    options = {opt for parameter in root.params for opt in parameter.opts}
    assert options <= codes(text("command-line").partition("## ")[0])


def test_every_job_is_described_with_its_arguments_and_options() -> None:
    found = {path.stem: import_module(f"jobs.{path.stem}") for path in (ROOT / "jobs").glob("*.py")}
    programs = {name: module.main for name, module in found.items() if hasattr(module, "main")}
    assert set(found) - set(programs) == {"__init__", "program"}
    page = codes(text("jobs"))
    assert {f"jobs.{job}" for job in programs} <= page
    for job, program in programs.items():
        actions = [a for a in program.parser._actions if a.dest != "help"]
        named = {name for a in actions for name in a.option_strings or [a.dest]}
        assert named <= page, (job, named - page)


def test_every_method_of_the_sdk_is_described_with_its_arguments() -> None:
    heads = sections("sdk")
    for owner, shown in ((Lake, "lake"), (Client, "client")):
        methods = [n for n, m in vars(owner).items() if inspect.isfunction(m) and n[0] != "_"]
        for name in methods:
            function = getattr(owner, name)
            assert f"{shown}.{name}({', '.join(parameters(function))})" in heads
        assert f"{owner.__name__}({', '.join(parameters(owner))})" in heads
    assert {field.name for field in fields(Prediction)} <= codes(text("sdk"))


def test_every_route_is_described_with_its_roles(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "lake")
    Records(home.records, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    routes = declared(create_app(Settings(home.path)))
    found = sections("http-api")
    assert {f"{route.method} {route.path}" for route in routes} == set(found)
    for route in routes:
        roles = found[f"{route.method} {route.path}"].strip().partition(".")[0]
        assert codes(roles) == set(route.roles), route.path


def test_every_zone_and_column_of_the_platform_is_described() -> None:
    found = sections("tables")
    assert set(ZONES) == set(found)
    assert set(provenance.OF_RAW) <= codes(found["raw"])
    assert set(provenance.OF_SET_ASIDE) <= codes(found["set_aside"])
    assert "_reasons" in codes(found["quarantine"])
    assert "_part" in codes(found["training"])
    assert set(results.SCHEMA.names) | {results.TABLE, *results.VERDICTS} <= codes(found["curated"])


def test_every_table_of_the_records_is_described(tmp_path: Path) -> None:
    records = Records(tmp_path / "records.db", lambda: datetime(2026, 1, 1, tzinfo=UTC))
    db = sqlite3.connect(records.path)
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    db.close()
    assert tables <= codes(text("tables").partition("## Records")[2])


def test_every_metric_is_described() -> None:
    page = codes(text("metrics"))
    assert {*metrics_of("classification", True), *metrics_of("regression", True)} <= page
    exposed = re.findall(r"^# TYPE (lakehouse_\w+)", Metrics().text().decode(), re.MULTILINE)
    assert {name for name in exposed if not name.endswith("_created")} <= page


def test_every_setting_is_described() -> None:
    page = codes(text("settings"))
    sources = [
        source.read_text()
        for package in ("lakehouse", "serving", "jobs", "feature_repo")
        for source in (ROOT / package).rglob("*.py")
    ]
    read = {name for s in sources for name in re.findall(r"\"(LAKEHOUSE_[A-Z_]+)\"", s)}
    assert read <= page
    assert {field.name for field in fields(Settings)} <= page
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(project["optional-dependencies"]) <= page
    assert set(project["entry-points"]) <= page


def test_every_benchmark_is_described() -> None:
    page = text("benchmarks")
    for benchmark in (ROOT / "tests" / "benchmarks").glob("bench_*.py"):
        assert f"python -m tests.benchmarks.{benchmark.stem}" in page
