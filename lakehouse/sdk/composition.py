"""Where things are wired: a lake's folder, a domain by name, an engine, the code's version.

Only this module and the command line read the environment and the clock.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import entry_points, packages_distributions, version
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse.declare.domain import Domain
from lakehouse.errors import LakehouseError, NotFound, unknown
from lakehouse.records import online
from lakehouse.records.home import Clock, Home
from lakehouse.records.online import OnlineSettings
from lakehouse.records.store import CodeVersion, Records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lakehouse.context import Context


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
    return online.from_environment(os.environ)


def domain_names() -> list[str]:
    """The domains installed, by name."""
    return sorted(e.name for e in entry_points(group="lakehouse.domains"))


def load_domain(name: str) -> Domain:
    """Load a domain by its installed name, or from a Python file or package folder."""
    if name.endswith(".py") or os.sep in name:
        return _from_file(Path(name))
    found = {e.name: e for e in entry_points(group="lakehouse.domains")}
    if name not in found:
        raise NotFound(
            unknown("domain", name, found, "This installation")
            + " A domain of your own is named by its file, as in 'lakehouse run ./mine.py'."
        )
    domain: Domain = found[name].load()
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
    domains = [v for v in vars(module).values() if isinstance(v, Domain)]
    if len(domains) != 1:
        raise LakehouseError(
            f"{path} declares {len(domains)} domains; it must hold one Domain(…) at its top."
        )
    return domains[0]


def code_version(domain: Domain | None = None) -> CodeVersion:
    """The version of the code that runs: git commits of platform and domain, and if they are dirty.

    LAKEHOUSE_CODE_VERSION overrides it where there is no checkout, as in an image. Code in no
    checkout and no installed release counts as dirty.
    """
    given = os.environ.get("LAKEHOUSE_CODE_VERSION")
    if given:
        return CodeVersion(given, dirty=False)
    platform = _git(Path(__file__).parent) or CodeVersion(
        f"lakehouse {version('lakehouse')}", False
    )
    if domain is None:
        return platform
    folder = _domain_folder(domain)
    own = _git(folder) or _installed(folder) or CodeVersion("not under version control", True)
    if own.text == platform.text:
        return own
    return CodeVersion(f"{own.text}, platform {platform.text}", own.dirty or platform.dirty)


def _domain_folder(domain: Domain) -> Path:
    fits = [m.fitted_by for m in domain.models]
    module = sys.modules.get(fits[0].__module__) if fits else None
    return Path(module.__file__ or ".").parent if module else Path(__file__).parent


def _installed(folder: Path) -> CodeVersion | None:
    """The release that an installed package's folder came with."""
    if "site-packages" not in folder.parts:
        return None
    package = folder.parts[folder.parts.index("site-packages") + 1]
    owners = packages_distributions().get(package, [])
    return CodeVersion(f"{owners[0]} {version(owners[0])}", False) if owners else None


def _git(folder: Path) -> CodeVersion | None:
    def ask(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    if commit is None or "site-packages" in folder.parts:
        return None
    return CodeVersion(commit, dirty=bool(ask("status", "--porcelain")))


def open_context(
    home: Home,
    domain: Domain | str,
    engine: str = "embedded",
    pins: Mapping[str, int] | None = None,
) -> Context:
    """Everything a stage needs for one domain in one lake."""
    from lakehouse.context import Context
    from lakehouse.engines import protocol

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
