"""Image files. No engine builds them here: they are linted, and held against the project."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from fnmatch import fnmatch
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.unit.infra.reading import (
    IMAGES,
    INFRA,
    PROJECT,
    ROOT,
    instructions,
    last_stage,
    tagged,
    variables,
)

HADOLINT = Path(sys.executable).with_name("hadolint")
PINS = {
    canonicalize_name(pin.partition("==")[0])
    for pin in PROJECT["tool"]["uv"]["constraint-dependencies"]
}
HEAVY = {"delta-spark", "duckdb", "feast", "mlflow", "pandas", "pyarrow", "pyspark"}

every_image = pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)


def hadolint(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([HADOLINT, path], capture_output=True, text=True, timeout=60)


@every_image
def test_image_file_has_no_lint(image: Path) -> None:
    done = hadolint(image)
    assert (done.returncode, done.stdout) == (0, "")


def test_lint_notices_an_image_of_no_certain_version(tmp_path: Path) -> None:
    loose = tmp_path / "Dockerfile"
    loose.write_text("FROM python:latest\nRUN pip install uv\n")
    assert "DL3007" in hadolint(loose).stdout


@every_image
def test_base_is_one_python_that_the_project_takes(image: Path) -> None:
    bases = [rest.split()[0] for word, rest in instructions(image) if word == "FROM"]
    assert len(set(bases)) == 1
    name, tag = tagged(bases[0])
    assert name == "python"
    assert tag.partition("-")[0] in SpecifierSet(PROJECT["project"]["requires-python"])


def test_images_share_one_base() -> None:
    bases = {rest.split()[0] for i in IMAGES.values() for w, rest in instructions(i) if w == "FROM"}
    assert len(bases) == 1


@every_image
def test_image_runs_as_a_user_without_rights(image: Path) -> None:
    users = [rest for word, rest in last_stage(image) if word == "USER"]
    user, _, group = users[-1].partition(":")
    assert min(int(user), int(group)) > 1000
    words = [word for word, _ in last_stage(image)]
    assert "RUN" not in words[words.index("USER") :]


@every_image
def test_packages_come_at_the_projects_pinned_versions(image: Path) -> None:
    """uv reads the pins in pyproject.toml when it stands where it is started."""
    text = "\n".join(rest for word, rest in instructions(image) if word == "RUN")
    installs = re.findall(r"(?<!uv )pip install(.*?)(?:&&|$)", text, re.MULTILINE)
    assert len(installs) == 1
    assert re.fullmatch(r"--no-cache-dir uv==\d+\.\d+\.\d+", installs[0].strip())
    before = [rest for word, rest in instructions(image)][: _first_install(image)]
    assert any(rest.startswith("pyproject.toml") for rest in before)
    for names in re.findall(r"-r (\S+)", text):
        for line in (ROOT / names).read_text().splitlines():
            if not line.startswith("#"):
                wanted = Requirement(line)
                assert not wanted.specifier, f"{line}: the version is pyproject.toml's to say"
                assert canonicalize_name(wanted.name) in PINS


def _first_install(image: Path) -> int:
    return next(n for n, (_, rest) in enumerate(instructions(image)) if "uv pip install" in rest)


@every_image
def test_builder_sees_what_is_copied_and_little_else(image: Path) -> None:
    ignored = image.with_name(f"{image.name}.dockerignore").read_text().splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*"
    seen = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        source
        for word, rest in instructions(image)
        if word == "COPY" and not rest.startswith("--from")
        for source in [w for w in rest.split() if not w.startswith("--")][:-1]
    }
    assert all(any(fnmatch(c, s) or c.startswith(f"{s}/") for s in seen) for c in copied)
    assert seen <= copied | {"infra/images"}
    assert all((ROOT / path).exists() for path in seen)


@every_image
def test_image_holds_no_secret(image: Path) -> None:
    set_names = {*variables(image), *(r for w, r in instructions(image) if w == "ARG")}
    assert not [n for n in set_names if re.search(r"PASSW|SECRET|TOKEN|KEY|CREDENTIAL", n)]
    assert "secrets" not in image.read_text()


@pytest.mark.parametrize("name", ["platform", "service"])
def test_image_says_which_commit_it_was_built_from(name: str) -> None:
    stage = last_stage(IMAGES[name])
    assert ("ARG", "CODE_VERSION") in stage
    assert ("RUN", 'test -n "$CODE_VERSION"') in stage
    assert variables(IMAGES[name])["LAKEHOUSE_CODE_VERSION"] == "$CODE_VERSION"


@every_image
def test_image_says_how_to_tell_whether_it_works(image: Path) -> None:
    assert [word for word, _ in last_stage(image)].count("HEALTHCHECK") == 1


def test_service_has_what_it_imports_and_nothing_heavy() -> None:
    named = {
        canonicalize_name(line)
        for line in (INFRA / "images" / "service.txt").read_text().splitlines()
        if not line.startswith("#")
    }
    has = closure(named)
    imported = imported_by_the_service()
    assert imported <= has
    server = (ROOT / "serving" / "server.py").read_text()
    assert {n for n in named - imported if f'"{n}"' not in server} == set()
    assert not has & HEAVY
    install = next(r for _, r in instructions(IMAGES["service"]) if r.endswith(" ."))
    assert "--no-deps" in install
    assert not [r for w, r in last_stage(IMAGES["service"]) if w == "RUN" and "apt" in r]


def test_mlflow_has_its_driver() -> None:
    assert importlib.util.find_spec("psycopg") is not None
    assert "psycopg[binary]" in (INFRA / "images" / "mlflow.txt").read_text().splitlines()
    assert variables(IMAGES["mlflow"])["MLFLOW_BACKEND_STORE_URI"].startswith("postgresql+psycopg:")


def test_start_of_mlflow_is_a_script_that_tells_no_password() -> None:
    script = INFRA / "images" / "mlflow-server"
    assert subprocess.run(["sh", "-n", script]).returncode == 0
    text = script.read_text()
    assert text.endswith("exec mlflow server\n")
    assert re.findall(r"\$\w+", text) == ["$POSTGRES_PASSWORD_FILE"]


def closure(names: set[str]) -> set[str]:
    """Distributions and all that they require, as installed here."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            for text in requires(name) or []:
                needs = Requirement(text)
                if needs.marker is None or needs.marker.evaluate({"extra": ""}):
                    waiting.append(canonicalize_name(needs.name))
    return found


def imported_by_the_service() -> set[str]:
    """The distributions that the service's modules, and those of ours they load, import.

    With the settings of infra/ the online store is a Redis server.
    """
    store = "lakehouse.features.online.stores.redis.store"
    script = f"import sys, serving.server, {store}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    ours = [name for name in loaded if name.partition(".")[0] in ("lakehouse", "serving")]
    top = set()
    for name in ours:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        for node in ast.walk(ast.parse(Path(spec.origin).read_text())):
            if isinstance(node, ast.Import):
                top |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                top.add(str(node.module).partition(".")[0])
    of = packages_distributions()
    third = (top & loaded) - sys.stdlib_module_names - {"lakehouse", "serving"}
    return {canonicalize_name(of[name][0]) for name in third}
