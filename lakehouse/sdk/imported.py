"""Which files a module imports, itself and through others, also where it does so in a function."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path


def imported_files(modules: Iterable[str], follow: Callable[[Path], bool]) -> set[Path]:
    """The source files of modules and of what they import, as far as `follow` says yes to a file.

    They are read, not run: `import` statements count wherever they stand, modules named in texts
    do not.
    """
    found: set[Path] = set()
    waiting = list(modules)
    seen = set(waiting)
    while waiting:
        name = waiting.pop()
        file = _source(name)
        if file is None or not follow(file):
            continue
        found.add(file)
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        for imported in _imports(file, package):
            if imported not in seen:
                seen.add(imported)
                waiting.append(imported)
    return found


def _source(name: str) -> Path | None:
    """The file of a module, loaded or not; None of one that has no source."""
    loaded = getattr(sys.modules.get(name), "__file__", None)
    if loaded is not None:
        return Path(loaded).resolve()
    path, spec = None, None
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        spec = PathFinder.find_spec(".".join(parts[:length]), path)
        if spec is None:
            return None
        path = spec.submodule_search_locations
        if path is None and length < len(parts):
            return None
    origin = spec.origin if spec is not None and spec.has_location else None
    return Path(origin).resolve() if origin is not None else None


def _imports(file: Path, package: str) -> Iterator[str]:
    """The names that a file imports: modules, and what may be one, with their packages."""
    if file.suffix != ".py":
        return
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            above = parents[: len(parents) - node.level + 1] if node.level else []
            base = ".".join(filter(None, [*above, node.module]))
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1))
