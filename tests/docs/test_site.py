"""The documentation site builds, and no link of it leads nowhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import DOCS, ROOT

SETTINGS = ROOT / "infra" / "mkdocs.yml"


def test_site_builds_without_a_warning(tmp_path: Path) -> None:
    """Strict: a page outside the navigation, a broken link or a missing anchor is an error."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(SETTINGS), "-d", tmp_path],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1"},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    built = {page.relative_to(tmp_path).with_suffix("") for page in tmp_path.rglob("*.html")}
    assert {page.relative_to(DOCS).with_suffix("") for page in DOCS.rglob("*.md")} <= built
    tutorial = (tmp_path / "tutorials" / "first-domain.html").read_text()
    assert 'class="filename">coffee.py<' in tutorial


def test_strict_means_every_kind_of_broken_link() -> None:
    validation = SETTINGS.read_text().partition("validation:")[2].partition("\nnav:")[0]
    levels = re.findall(r"\w+: (\w+)[,}]", validation)
    assert (len(levels), set(levels)) == (7, {"warn"})


def test_links_of_the_readme_and_the_changelog_lead_somewhere() -> None:
    for name in ("README.md", "CHANGELOG.md"):
        links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text())
        assert [link for link in links if not (ROOT / link).exists()] == [], name
