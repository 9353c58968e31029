"""The picture of the architecture, drawn from the imports of the code.

    uv run python -m tests.docs.architecture

writes `docs/contributing/architecture.svg`; test_architecture.py holds the file against the code.
Rooms stand in the order that the import rules in pyproject.toml give them, the data's source below.
A filled cell says that the row's room imports the column's. As all imports point upstream, all of
them stand on one side.
"""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "contributing" / "architecture.svg"
PACKAGES = ("lakehouse", "feature_repo", "jobs", "serving")
ABOVE = ("jobs", "feature_repo", "serving")
"""What uses the platform: the platform imports none of them."""
BESIDE = ("lakehouse.adapters", "lakehouse.client")
"""Rooms outside the order, by decision 17."""

CELL, ROW, NAMES, TEXT, TOP = 26, 24, 130, 590, 96
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1c2b33}.room{font-weight:600}.what{fill:#5a6b75}"
    "rect.cell{fill:#2a9d8f}rect.self{fill:#e3e8eb}"
    "line{stroke:#d5dde1}rect.paper{fill:#fff}"
)


@dataclass(frozen=True)
class Room:
    """A package or module of the top level, and the first sentence that it says of itself."""

    name: str
    says: str


def rooms() -> list[Room]:
    """Every room, from what is used last to what everything uses."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    order = next(c for c in contracts if c["name"] == "Imports point upstream")["layers"]
    layered = [f"lakehouse.{name.strip()}" for layer in order for name in layer.split("|")]
    return [Room(name, _first_sentence(name)) for name in (*ABOVE, *BESIDE, *layered)]


def imports(names: list[str]) -> set[tuple[str, str]]:
    """Which room imports which, as pairs of importer and imported."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return {
        (_room_of(module, names), _room_of(imported, names))
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    }


def picture() -> str:
    """The picture as SVG."""
    shown = rooms()
    names = [room.name for room in shown]
    pairs = imports(names)
    left = NAMES + TEXT
    width, height = left + CELL * len(names) + 20, TOP + ROW * len(names) + 20
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'aria-label="Which room of the code imports which">',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
    ]
    for column, name in enumerate(names):
        x = left + CELL * column + CELL / 2 + 4
        label = escape(_short(name))
        drawn.append(f'<text transform="translate({x},{TOP - 8}) rotate(-60)">{label}</text>')
    for row, room in enumerate(shown):
        y = TOP + ROW * row
        drawn.append(f'<line x1="8" x2="{width - 12}" y1="{y}" y2="{y}"/>')
        drawn.append(f'<text class="room" x="12" y="{y + 16}">{escape(_short(room.name))}</text>')
        drawn.append(f'<text class="what" x="{NAMES}" y="{y + 16}">{escape(room.says)}</text>')
        for column, other in enumerate(names):
            x = left + CELL * column
            if other == room.name:
                drawn.append(_cell(x, y, "self"))
            elif (room.name, other) in pairs:
                drawn.append(_cell(x, y, "cell"))
    return "\n".join([*drawn, "</svg>", ""])


def _cell(x: float, y: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x + 1}" y="{y + 1}" width="{CELL - 2}" height="{ROW - 2}"/>'


def _short(name: str) -> str:
    return name.removeprefix("lakehouse.")


def _room_of(module: str, names: list[str]) -> str:
    """The room that a module stands in, empty for `lakehouse` itself."""
    return next((n for n in names if module == n or module.startswith(f"{n}.")), "")


def _first_sentence(name: str) -> str:
    place = ROOT / name.replace(".", "/")
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    said = ast.get_docstring(ast.parse(file.read_text())) or ""
    return said.partition("\n")[0]


if __name__ == "__main__":
    PICTURE.write_text(picture())
