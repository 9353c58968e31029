"""The proxy before MLflow: nobody gets past it without a name and a password."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import crossplane
import pytest

from tests.unit.infra.reading import IMAGES, INFRA, containers, variables

NGINX = INFRA / "proxy" / "nginx.conf"


def parsed(path: Path) -> list[dict[str, Any]]:
    """An nginx configuration; AssertionError for what nginx would not take."""
    read = crossplane.parse(str(path), strict=True)
    assert read["errors"] == []
    return list(read["config"][0]["parsed"])


def all_of(block: list[dict[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    for directive in block:
        if directive["directive"] == name:
            yield directive
        yield from all_of(directive.get("block", []), name)


def own(directive: dict[str, Any]) -> dict[str, list[str]]:
    """What stands directly in a block, by name."""
    return {inner["directive"]: inner["args"] for inner in directive["block"]}


@pytest.fixture(scope="module")
def server() -> dict[str, Any]:
    (found,) = all_of(parsed(NGINX), "server")
    return found


def test_a_configuration_that_nginx_would_refuse_is_noticed(tmp_path: Path) -> None:
    wrong = tmp_path / "nginx.conf"
    for old, new in (("auth_basic ", "auth_basik "), ("listen 8080;", "listen;")):
        wrong.write_text(NGINX.read_text().replace(old, new))
        with pytest.raises(AssertionError):
            parsed(wrong)


def test_every_way_asks_for_a_password_but_the_proxys_own_health(server: dict[str, Any]) -> None:
    assert own(server)["auth_basic"] != ["off"]
    open_ways = [
        location
        for location in all_of(server["block"], "location")
        if own(location).get("auth_basic") == ["off"]
    ]
    assert [location["args"] for location in open_ways] == [["=", "/proxy-health"]]
    assert not {"proxy_pass", "root", "alias"} & set(own(open_ways[0]))


def test_password_file_is_the_secret_that_compose_hands_over(server: dict[str, Any]) -> None:
    assert own(server)["auth_basic_user_file"] == ["/run/secrets/mlflow_htpasswd"]
    assert containers()["mlflow-proxy"]["secrets"] == ["mlflow_htpasswd"]


def test_mlflow_is_asked_by_a_name_it_answers_to_and_never_sees_the_password(
    server: dict[str, Any],
) -> None:
    (passing,) = [w for w in all_of(server["block"], "location") if "proxy_pass" in own(w)]
    mlflow = variables(IMAGES["mlflow"])
    address = f"mlflow:{mlflow['MLFLOW_PORT']}"
    assert own(passing)["proxy_pass"] == [f"http://{address}"]
    sent = dict(tuple(d["args"]) for d in passing["block"] if d["directive"] == "proxy_set_header")
    assert sent == {"Host": mlflow["MLFLOW_SERVER_ALLOWED_HOSTS"], "Authorization": ""}
    assert sent["Host"] == address
    assert "mlflow" in containers()


def test_it_writes_nowhere_but_to_the_temporary_folder() -> None:
    block = parsed(NGINX)
    written = [d["args"][0] for d in block if d["directive"] == "pid"]
    (http,) = [d for d in block if d["directive"] == "http"]
    written += [a[0] for name, a in own(http).items() if name.endswith("_temp_path")]
    assert len(written) == 6
    assert all(path.startswith("/tmp/") for path in written)
