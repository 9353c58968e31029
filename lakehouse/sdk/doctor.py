"""Checks of this machine and of a lake, each with what to do about it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lakehouse.errors import LakehouseError

NEEDED = ("duckdb", "deltalake", "pyarrow", "onnxruntime", "mlflow", "fastapi", "scikit-learn")
ENOUGH_DISK_GB = 5
Finding = dict[str, str]


def examine(folder: Path) -> list[Finding]:
    """Return one finding a check: what was looked at, "fine" or "wrong" or "note", and why."""
    checks: list[tuple[str, Callable[[], tuple[str, str]]]] = [
        ("Python", _python),
        ("packages", _packages),
        ("disk", lambda: _disk(folder)),
        ("Java", _java),
        ("lake", lambda: _lake(folder)),
        ("domains", _domains),
    ]
    findings = []
    for name, check in checks:
        state, why = check()
        findings.append({"check": name, "state": state, "what": why})
    return findings


def _python() -> tuple[str, str]:
    found = ".".join(map(str, sys.version_info[:3]))
    return (
        ("fine", found)
        if sys.version_info >= (3, 11)
        else ("wrong", f"{found}; Python 3.11 or newer is needed")
    )


def _packages() -> tuple[str, str]:
    found = []
    for name in NEEDED:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            return "wrong", f"{name} is not installed; run 'uv sync'"
    return "fine", ", ".join(found)


def _disk(folder: Path) -> tuple[str, str]:
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(existing).free / 1e9
    return ("fine" if free >= ENOUGH_DISK_GB else "wrong", f"{free:.0f} GB free at {existing}")


def _java() -> tuple[str, str]:
    found = shutil.which("java")
    return (
        ("note", f"{found}; only the Spark engine needs it")
        if found
        else ("note", "none; only the Spark engine needs it")
    )


def _lake(folder: Path) -> tuple[str, str]:
    from lakehouse.records import runs
    from lakehouse.sdk.composition import open_home, open_records

    try:
        home = open_home(folder)
        unfinished = runs.unfinished(open_records(home))
    except LakehouseError as error:
        return "note", str(error)
    if unfinished:
        return "note", (
            f"{unfinished} run(s) never finished: still at work, or ended hard; "
            "the next 'lakehouse run' completes what they began"
        )
    return "fine", f"format and records of {home.path} are readable"


def _domains() -> tuple[str, str]:
    from lakehouse.sdk.composition import domain_names, load_domain
    from lakehouse.zones.curated_sql import check_domain

    names = domain_names()
    for name in names:
        try:
            check_domain(load_domain(name))
        except LakehouseError as error:
            return "wrong", f"{name}: {error}"
    return "fine", ", ".join(names)
