"""What `pip install -e .` leaves behind, without a registry: the facts of the project in a folder.

    python -m tests.docs.editable

lays the entry points that `pyproject.toml` declares beside it, where whoever has the folder on its
path finds them as those of an installed distribution.
"""

from __future__ import annotations

import tomllib
from pathlib import Path


def install(folder: Path) -> None:
    """Lay the distribution's facts into the folder of its `pyproject.toml`."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    facts = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    facts.mkdir(exist_ok=True)
    (facts / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = []
    for group, names in project.get("entry-points", {}).items():
        lines += [f"[{group}]", *(f"{name} = {of}" for name, of in names.items()), ""]
    (facts / "entry_points.txt").write_text("\n".join(lines))


if __name__ == "__main__":
    install(Path.cwd())
