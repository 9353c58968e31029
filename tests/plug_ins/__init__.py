"""What others may bring, as it is installed: a module or folder and its entry point, no more."""

from __future__ import annotations

import shutil
from pathlib import Path

HERE = Path(__file__).parent


def install(site: Path, module: str, group: str, name: str, of: str) -> None:
    """Lay a module or package of this folder into `site` as an installed distribution would.

    `name` is its entry point in `group`, `of` what that names in the module. `site` must come
    onto the path of whoever is to find it.
    """
    site.mkdir(parents=True, exist_ok=True)
    if (HERE / module).is_dir():
        shutil.copytree(HERE / module, site / module)
    else:
        shutil.copy(HERE / f"{module}.py", site / f"{module}.py")
    facts = site / f"{module}-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}:{of}\n")
