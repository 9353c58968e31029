"""What the environment says when a lake is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.sdk.composition import open_context, open_home


@pytest.mark.parametrize(
    ("said", "uri"), [("http://mlflow:8080", "http://mlflow:8080"), ("", None)]
)
def test_models_are_registered_with_the_server_that_is_named(
    said: str, uri: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_MLFLOW_URI", said)
    home = open_home(tmp_path / "lake", create="data")
    assert uri == open_context(home, "payments_fraud").tracking_uri
