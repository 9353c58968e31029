"""Releases are written whole, never change, and are read as they were written or refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lakehouse.declare.compiled import digest
from lakehouse.errors import LakehouseError
from lakehouse.records import releases
from lakehouse.records.home import Home
from lakehouse.records.releases import BrokenRelease, Release
from tests.unit.serving.conftest import INPUTS, fraud

FACTS = {"as_of": "2018-04-01T00:00:00+00:00", "metrics": {"roc_auc": 0.9}, "pins": {"a": 1}}
NAME = ("shop", "fraud")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path / "lake")


def released(version: int = 1) -> Release:
    return Release(*NAME, version, fraud, INPUTS, b"a model", FACTS)


def described(home: Home) -> Path:
    return home.releases(*NAME) / "1" / "release.json"


def test_a_release_is_read_as_it_was_written(home: Home) -> None:
    written = released()
    releases.write(home, written)
    read = releases.read(home, *NAME, 1)
    assert digest(written.model) == digest(read.model)
    assert dataclasses.replace(written, model=read.model) == read
    assert datetime(2018, 4, 1, tzinfo=UTC) == read.known_at
    releases.write(home, dataclasses.replace(read))  # what was read is the same release
    assert read.digest == releases.read(home, *NAME, 1).digest


def test_a_release_never_changes(home: Home) -> None:
    releases.write(home, released())
    for other in ({"onnx": b"another"}, {"inputs": INPUTS[:1]}, {"facts": {}}):
        with pytest.raises(LakehouseError, match="a release never changes"):
            releases.write(home, dataclasses.replace(released(), **other))
    assert released().onnx == releases.read(home, *NAME, 1).onnx


def test_releases_of_another_format_are_refused_by_number(home: Home) -> None:
    releases.write(home, released())
    document = json.loads(described(home).read_text())
    assert releases.FORMAT == document["format"]
    described(home).write_text(json.dumps(document | {"format": 2}))
    with pytest.raises(
        BrokenRelease, match="Release shop/fraud/1 has format 2, this version reads format 1; serve"
    ):
        releases.read(home, *NAME, 1)


def without(key: str) -> Callable[[dict[str, Any]], Any]:
    return lambda document: {k: v for k, v in document.items() if k != key}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without("format"), "release.json is not a release's"),
        (lambda document: [], "release.json is not a release's"),
        (without("declaration"), "cannot be read"),
        (without("inputs"), "cannot be read"),
        (lambda document: document | {"domain": "bank"}, "says that it is bank/fraud/1"),
        (lambda document: document | {"digests": {}}, "has no digest of model.onnx"),
        (lambda document: document | {"digests": {"model.onnx": "ab"}}, "is not the file that was"),
        (lambda document: document | {"digests": {"model.onnx": "ab", "x": "cd"}}, "is not the f"),
    ],
)
def test_what_is_no_release_is_refused_naming_no_folder(
    home: Home, change: Callable[[dict[str, Any]], Any], told: str
) -> None:
    releases.write(home, released())
    document = json.loads(described(home).read_text())
    described(home).write_text(json.dumps(change(document)))
    with pytest.raises(BrokenRelease, match=told) as refused:
        releases.read(home, *NAME, 1)
    assert str(home.path) not in str(refused.value)


def test_a_release_that_is_not_there_is_said_so(home: Home) -> None:
    with pytest.raises(BrokenRelease, match=r"Release shop/fraud/1: release.json cannot be read"):
        releases.read(home, *NAME, 1)
    assert [] == releases.versions(home, *NAME)


def test_the_pointer_names_a_version_until_it_is_taken_away(home: Home) -> None:
    assert releases.pointed(home, *NAME) is None
    for version in (1, 2):
        releases.write(home, released(version))
        releases.point(home, *NAME, version)
        assert version == releases.pointed(home, *NAME)
    assert [1, 2] == releases.versions(home, *NAME)
    releases.point(home, *NAME, None)
    assert releases.pointed(home, *NAME) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "champion.json of shop/fraud is unreadable"),
        ("[1]", "is unreadable"),
        ('{"version": "../../x"}', "names no version"),
        ('{"version": 0}', "names no version"),
    ],
)
def test_a_pointer_that_names_no_version_is_refused(home: Home, text: str, told: str) -> None:
    releases.write(home, released())
    (home.releases(*NAME) / "champion.json").write_text(text)
    with pytest.raises(BrokenRelease, match=told):
        releases.pointed(home, *NAME)
