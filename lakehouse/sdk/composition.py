"""Where things are wired: a lake's folder, a domain by name, an engine, the code's version.

Only this module, `code_version` beside it and the command line read the environment and the clock.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse import plugins
from lakehouse.errors import LakehouseError, NotFound
from lakehouse.records.home import Clock, Home
from lakehouse.records.store import Records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lakehouse.context import Context
    from lakehouse.declare.domain import Domain
    from lakehouse.records.online import OnlineSettings

DOMAINS = "lakehouse.domains"


def now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


def home_folder(home: str | Path | None = None) -> Path:
    """The lake's folder: as given, else LAKEHOUSE_HOME, else ~/.lakehouse."""
    chosen = home or os.environ.get("LAKEHOUSE_HOME") or Path.home() / ".lakehouse"
    return Path(chosen).expanduser().absolute()


def open_home(home: str | Path | None = None, create: Clock | None = None) -> Home:
    """Open a lake, or make it with the clock given in `create`."""
    folder = home_folder(home)
    return Home.create(folder, create) if create else Home.open(folder)


def open_records(home: Home) -> Records:
    return Records(home.records, now)


def online_settings() -> OnlineSettings:
    """Where features are kept to be served, and how much of the past."""
    from lakehouse.records.online import from_environment

    return from_environment(os.environ)


def domain_names() -> list[str]:
    """The domains installed, by name."""
    return plugins.names(DOMAINS)


def load_domain(name: str) -> Domain:
    """Load a domain by its installed name, or from a Python file or package folder."""
    if name.endswith(".py") or os.sep in name:
        return _from_file(Path(name))
    hint = "A domain of your own is named by its file, as in 'lakehouse run ./mine.py'."
    domain: Domain = plugins.load(DOMAINS, "domain", name, hint)
    if domain.name != name:
        raise LakehouseError(f"Entry point '{name}' gives a domain called '{domain.name}'.")
    return domain


def _from_file(path: Path) -> Domain:
    if not path.exists():
        raise NotFound(f"There is no file {path}; name a Python file that declares a Domain.")
    module_name = path.stem if path.is_file() else path.name
    folder = str(path.absolute().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module = importlib.import_module(module_name)
    where = Path(module.__file__ or "").absolute()
    if path.absolute() not in (where, where.parent):
        raise LakehouseError(
            f"'{module_name}' is the name of another module ({where}); rename {path.name}."
        )
    from lakehouse.declare.domain import Domain

    domains = [v for v in vars(module).values() if isinstance(v, Domain)]
    if len(domains) != 1:
        raise LakehouseError(
            f"{path} declares {len(domains)} domains; it must hold one Domain(…) at its top."
        )
    return domains[0]


def open_context(
    home: Home,
    domain: Domain | str,
    engine: str = "embedded",
    pins: Mapping[str, int] | None = None,
) -> Context:
    """Everything a stage needs for one domain in one lake."""
    from lakehouse.context import Context
    from lakehouse.engines import protocol
    from lakehouse.sdk.code_version import code_version

    found = load_domain(domain) if isinstance(domain, str) else domain
    return Context(
        home,
        open_records(home),
        protocol.load(engine),
        found,
        code_version(found),
        pins,
        os.environ.get("LAKEHOUSE_MLFLOW_URI") or None,
        online_settings(),
    )
