"""Settings: arguments first, then the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from serving import server
from serving.settings import Settings


def test_the_service_binds_loopback_unless_told_otherwise() -> None:
    settings = Settings.read(["--home", "/lake"], {})
    assert (settings.home, settings.host, settings.domains) == (Path("/lake"), "127.0.0.1", None)


def test_arguments_win_over_the_environment() -> None:
    environment = {"LAKEHOUSE_HOME": "/a", "LAKEHOUSE_PORT": "9000", "LAKEHOUSE_HOST": "::1"}
    from_environment = Settings.read([], environment)
    given = Settings.read(
        ["--home", "/b", "--port", "9001", "--domain", "x", "--domain", "y"], environment
    )
    assert (from_environment.home, from_environment.host, from_environment.port) == (
        Path("/a"),
        "::1",
        9000,
    )
    assert (given.home, given.port, given.domains) == (Path("/b"), 9001, ("x", "y"))


def test_the_share_of_features_logged_is_all_unless_told_otherwise() -> None:
    assert Settings.read(["--home", "/a"], {}).log_features == 1
    environment = {"LAKEHOUSE_HOME": "/a", "LAKEHOUSE_LOG_FEATURES": "0.05"}
    assert Settings.read([], environment).log_features == 0.05
    assert Settings.read(["--log-features", "0"], environment).log_features == 0


@pytest.mark.parametrize("arguments", [[], ["--home", "/a", "--port", "http"]])
def test_what_is_missing_or_no_port_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        Settings.read(arguments, {})


@pytest.mark.parametrize("given", [{"argv": ["--home", "lake"]}, {"home": Path("lake")}])
def test_the_environment_says_where_the_online_store_is(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_ONLINE_URL", "redis://cache/1")
    started: list[Settings] = []

    def created(settings: Settings) -> None:
        started.append(settings)
        raise InterruptedError

    monkeypatch.setattr(server, "create_app", created)
    with pytest.raises(InterruptedError):
        server.main(**given)
    assert [(s.home, s.online.url) for s in started] == [(Path("lake"), "redis://cache/1")]
