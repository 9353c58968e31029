"""The version of the code that runs: the commits of platform and domain, and what is in none.

Only code counts that the domain and the platform import: a note, a log or another domain's file
beside it changes nothing. Decision 7 says why.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib.metadata import entry_points, packages_distributions, version
from pathlib import Path

from lakehouse.declare.domain import Domain
from lakehouse.records.store import CodeVersion
from lakehouse.sdk.checkouts import Checkout, checkout
from lakehouse.sdk.imported import imported_files

PLATFORM = Path(__file__).resolve().parents[1]


def code_version(domain: Domain | None = None) -> CodeVersion:
    """The commits, or releases, of the platform and of the code that declares a domain.

    LAKEHOUSE_CODE_VERSION names the version where there is no checkout, as in an image. What a
    checkout holds uncommitted of the code imported is named by file; so is a domain in no checkout
    and in no installed release.
    """
    given = os.environ.get("LAKEHOUSE_CODE_VERSION")
    if given:
        return CodeVersion(given)
    held = _checkout(PLATFORM)
    platform = held.commit if held else f"lakehouse {version('lakehouse')}"
    uncommitted = _of_platform(held) if held else set()
    own: dict[str, None] = {}
    for module in _declaring(domain) if domain is not None else ():
        file = getattr(sys.modules[module], "__file__", None)
        folder = Path(file).resolve().parent if file else None
        if folder is not None and (release := _release(folder)):
            own[release] = None
        elif folder is not None and (ours := _ours(folder, held)):
            own[ours.commit] = None
            uncommitted |= _of_domain(module, ours)
        else:
            own["not under version control"] = None
            uncommitted.add(f"{file or module} (under no version control)")
    text = ", ".join(own) or platform
    if text != platform:
        text += f", platform {platform}"
    return CodeVersion(text, tuple(sorted(uncommitted)))


def _declaring(domain: Domain) -> list[str]:
    """The loaded modules that declare a domain: its entry point's, else those that hold it.

    Its fits' modules are among them, wherever they are.
    """
    fits = [model.fitted_by.__module__ for model in domain.models]
    entries = [e for e in entry_points(group="lakehouse.domains") if e.name == domain.name]
    installed = [e.module for e in entries if _holds(e.module, domain)]
    holding = installed or [name for name in list(sys.modules) if _holds(name, domain)]
    return [name for name in dict.fromkeys([*holding, *fits]) if name in sys.modules]


def _holds(module: str, domain: Domain) -> bool:
    loaded = sys.modules.get(module)
    return any(value is domain for value in list(getattr(loaded, "__dict__", {}).values()))


def _ours(folder: Path, platform: Checkout | None) -> Checkout | None:
    """The checkout of a folder, asked of git once where it is the platform's."""
    if platform is not None and folder.is_relative_to(platform.folder):
        inner = {f for f in (folder, *folder.parents) if f.is_relative_to(platform.folder)}
        if not any((f / ".git").exists() for f in inner - {platform.folder}):
            return platform
    return _checkout(folder)


def _checkout(folder: Path) -> Checkout | None:
    return None if "site-packages" in folder.parts else checkout(folder)


def _of_platform(held: Checkout) -> set[str]:
    """Uncommitted code of the platform: changed modules, and new ones that are loaded.

    A new module that is not loaded is imported by none that is committed.
    """
    changed = {f for f in held.changed if f.suffix == ".py" and f.is_relative_to(PLATFORM)}
    loaded = _loaded_below(PLATFORM)
    return _names(held, {f for f in changed if f.exists()} | held.uncommitted(loaded))


def _of_domain(module: str, held: Checkout) -> set[str]:
    """Uncommitted code that a domain's module imports, and what is loaded of its package."""

    def follow(file: Path) -> bool:
        foreign = "site-packages" in file.parts or file.is_relative_to(PLATFORM)
        return file.is_relative_to(held.folder) and not foreign

    files = imported_files([module], follow)
    if "." in module or hasattr(sys.modules[module], "__path__"):
        file = sys.modules[module].__file__
        assert file is not None  # its folder was found
        files |= _loaded_below(Path(file).resolve().parent)
    return _names(held, held.uncommitted(files))


def _loaded_below(folder: Path) -> set[Path]:
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return {Path(file) for file in files if file and file.startswith(f"{folder}{os.sep}")}


def _names(held: Checkout, files: Iterable[Path]) -> set[str]:
    return {str(file.relative_to(held.folder)) for file in files}


def _release(folder: Path) -> str | None:
    """The release that an installed package's folder came with."""
    if "site-packages" not in folder.parts:
        return None
    package = folder.parts[folder.parts.index("site-packages") + 1]
    owners = packages_distributions().get(package, [])
    return f"{owners[0]} {version(owners[0])}" if owners else None
