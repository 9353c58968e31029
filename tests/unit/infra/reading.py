"""What stands in infra/: image files, compose and rendered manifests, as plain data."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
INFRA = ROOT / "infra"
IMAGES = {path.stem: path for path in sorted((INFRA / "images").glob("*.Dockerfile"))}
ENVIRONMENTS = ("dev", "test", "prod")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
VERSION: str = PROJECT["project"]["version"]

OURS = {f"lakehouse-{name}" for name in IMAGES}
_TAGGED = re.compile(r"(?P<name>[a-z0-9./-]+):(?P<tag>\d+\.\d+[a-z0-9.-]*)")


def compose() -> dict[str, Any]:
    """The compose file, its anchors filled in, its ${…} as they stand."""
    found: dict[str, Any] = yaml.safe_load((INFRA / "compose.yml").read_text())
    return found


def containers() -> dict[str, dict[str, Any]]:
    """The containers of the compose file, by name."""
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def instructions(image: Path) -> list[tuple[str, str]]:
    """The instructions of an image file in order, each on one line, without comments."""
    lines = [line for line in image.read_text().splitlines() if not line.lstrip().startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [
        (word, rest.strip()) for word, _, rest in (line.partition(" ") for line in whole) if word
    ]


def last_stage(image: Path) -> list[tuple[str, str]]:
    """The instructions of the image that is kept."""
    found = instructions(image)
    first = max(n for n, (word, _) in enumerate(found) if word == "FROM")
    return found[first:]


def variables(image: Path) -> dict[str, str]:
    """What the image that is kept sets in the environment."""
    text = " ".join(rest for word, rest in last_stage(image) if word == "ENV")
    return dict(re.findall(r"(\w+)=(\S*)", text))


def settings(environment: str) -> dict[str, str]:
    """The settings of dev, test or prod."""
    lines = (INFRA / "settings" / environment / "lakehouse.env").read_text().splitlines()
    pairs = [tuple(line.split("=", 1)) for line in lines if line and not line.startswith("#")]
    found = dict(pairs)
    assert len(found) == len(pairs), f"{environment} sets a name twice"
    return found


def command(container: dict[str, Any]) -> str:
    """What a container runs, as one line of text."""
    given = container.get("command", [])
    return " ".join(given) if isinstance(given, list) else str(given)


def lakehouse_commands(text: str) -> Iterator[list[str]]:
    """The words of each `lakehouse` command in a line of shell."""
    for part in re.split(r"\|\||&&|;", text):
        words = part.replace("${DOMAIN:-payments_fraud}", "payments_fraud").split()
        if "lakehouse" in words:
            yield words[words.index("lakehouse") + 1 :]


def tagged(image: str) -> tuple[str, str]:
    """The name and the version of an image; AssertionError where it names no certain one."""
    found = _TAGGED.fullmatch(image)
    assert found, f"{image} names no version"
    return found["name"], found["tag"]


def paths_of(document: Any, *names: str) -> Iterator[Any]:
    """Every value that stands under one of these names, however deep."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name in names:
                yield value
            yield from paths_of(value, *names)
    elif isinstance(document, list):
        for value in document:
            yield from paths_of(value, *names)


def text_of(document: Any) -> str:
    return json.dumps(document, sort_keys=True)
