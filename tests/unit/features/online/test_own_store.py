"""An online store of one's own: an installed module and its entry point, and nothing else."""

from __future__ import annotations

import importlib
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from lakehouse.errors import LakehouseError, NotFound
from lakehouse.features.online.stores.opening import GROUP, open_store
from lakehouse.records.home import Home
from lakehouse.records.online import OnlineSettings, from_environment
from lakehouse.testing.online_chunks import stored
from lakehouse.testing.online_conformance import CHECKS
from tests import plug_ins


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the plug-in, installed."""
    site = tmp_path / "site"
    plug_ins.install(site, "shelf_store", GROUP, "shelf", "open_store")
    monkeypatch.syspath_prepend(site)
    yield importlib.import_module("shelf_store")
    del sys.modules["shelf_store"]


@pytest.mark.parametrize("name", CHECKS)
def test_conforms(name: str, tmp_path: Path, shelf: Any) -> None:
    numbers = count()
    CHECKS[name](lambda: shelf.ShelfStore(tmp_path / f"{next(numbers)}"))


def test_its_url_opens_it_with_options_of_its_own(tmp_path: Path, shelf: Any) -> None:
    home = Home.create(tmp_path / "lake")
    said = {"LAKEHOUSE_ONLINE_URL": f"shelf://{tmp_path}/shelf", "LAKEHOUSE_ONLINE_KEEP": "all"}
    for own, folder in (({}, "shelf/cards"), ({"LAKEHOUSE_ONLINE_SHELF_FILES": "one"}, "shelf")):
        store = open_store(home, "cards", from_environment(said | own))
        store.replace(stored("v"), [], {})
        assert (tmp_path / folder / "v.view").exists()
    assert not home.online("cards").exists()


def test_its_own_refusals_reach_whoever_opens_it(tmp_path: Path, shelf: Any) -> None:
    home = Home.create(tmp_path / "lake")
    settings = OnlineSettings(f"shelf://{tmp_path}/shelf")
    with pytest.raises(NotFound, match="There is no shelf at"):
        open_store(home, "cards", settings, must_exist=True)
    with pytest.raises(LakehouseError, match="A shelf needs a folder"):
        open_store(home, "cards", OnlineSettings("shelf"))


@pytest.mark.parametrize("url", ["shelf:///folder", "redsi://me:secret@cache:6379/0", "memory"])
def test_a_kind_that_is_not_installed_is_refused_naming_those_there_are(
    tmp_path: Path, url: str
) -> None:
    home = Home.create(tmp_path / "lake")
    with pytest.raises(NotFound, match=r"redis, rediss, sqlite, unix") as refused:
        open_store(home, "cards", OnlineSettings(url))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["cache:6379", "me:secret@cache:6379", "s3cret@cache", "//cache"])
def test_a_url_that_names_no_kind_is_refused_without_quoting_it(tmp_path: Path, url: str) -> None:
    home = Home.create(tmp_path / "lake")
    with pytest.raises(LakehouseError, match="is no address of an online store") as refused:
        open_store(home, "cards", OnlineSettings(url))
    assert "cret" not in str(refused.value)


def test_the_file_of_the_lake_may_be_named_and_takes_no_address(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "lake")
    store = open_store(home, "cards", OnlineSettings("sqlite"))
    store.replace(stored("v"), [], {})
    assert home.online("cards").exists()
    store.close()
    with pytest.raises(LakehouseError, match="takes no address"):
        open_store(home, "cards", OnlineSettings("sqlite:///elsewhere.db"))
