"""The compose file. No engine starts it here: its schema and its promises are checked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lakehouse.records.home import Home
from serving.app import create_app
from serving.roles import PUBLIC, declared
from serving.settings import Settings
from tests.docs.test_commands import understood
from tests.unit.infra.reading import (
    IMAGES,
    INFRA,
    OURS,
    VERSION,
    command,
    compose,
    containers,
    lakehouse_commands,
    tagged,
    text_of,
    variables,
)
from tests.unit.infra.test_secrets import make

COMPOSE = INFRA / "compose.yml"
WRITES_ITS_OWN_CONFIGURATION = {"kafka"}

every_container = pytest.mark.parametrize("name", containers())


def schema(path: Path) -> subprocess.CompletedProcess[str]:
    """Check against the Compose Specification's schema, which comes with the checker."""
    program = Path(sys.executable).with_name("check-jsonschema")
    return subprocess.run(
        [program, "--builtin-schema", "vendor.compose-spec", path],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_file_keeps_the_compose_specification() -> None:
    done = schema(COMPOSE)
    assert done.returncode == 0, done.stdout


def test_a_misspelt_property_is_noticed(tmp_path: Path) -> None:
    wrong = tmp_path / "compose.yml"
    wrong.write_text(COMPOSE.read_text().replace("    mem_limit: 128m", "    memory_limit: 128m"))
    assert "memory_limit" in schema(wrong).stdout


def test_all_parts_are_there() -> None:
    images = {tagged(c["image"])[0] for c in containers().values()}
    assert images == OURS | {"apache/kafka", "nginxinc/nginx-unprivileged", "postgres", "redis"}
    assert containers()["spark-worker"]["deploy"] == {"replicas": 2}


@every_container
def test_ports_are_published_on_the_loopback_address_alone(name: str) -> None:
    for port in containers()[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


def test_only_what_asks_for_a_key_or_a_password_is_published() -> None:
    assert {n for n, c in containers().items() if c.get("ports")} == {"service", "mlflow-proxy"}
    outward = {n for n, d in compose()["networks"].items() if not d.get("internal")}
    reaching = {n for n, c in containers().items() if outward & set(c["networks"])}
    assert reaching == {"service", "mlflow-proxy"}


def test_mlflow_meets_nobody_but_its_proxy_and_its_database() -> None:
    mlflow = set(containers()["mlflow"]["networks"])
    near = {n for n, c in containers().items() if mlflow & set(c["networks"])}
    assert near == {"mlflow", "mlflow-proxy", "postgres"}
    named = {n for n, c in containers().items() if re.search(r"\b(mlflow|feast) \w+", command(c))}
    assert named == set()


@every_container
def test_image_is_of_a_certain_version_and_ours_from_nowhere_else(name: str) -> None:
    container = containers()[name]
    image, tag = tagged(container["image"])
    if image in OURS:
        assert tag == VERSION
        assert container["pull_policy"] == ("build" if "build" in container else "never")


def test_each_of_our_images_is_built_once() -> None:
    built = [c["build"]["dockerfile"] for c in containers().values() if "build" in c]
    assert sorted(built) == [str(path.relative_to(INFRA.parent)) for path in IMAGES.values()]
    for container in containers().values():
        arguments = container.get("build", {}).get("args", {})
        assert all(re.match(r"\$\{\w+:\?", value) for value in arguments.values())


@every_container
def test_container_has_no_rights_that_it_does_not_need(name: str) -> None:
    container = containers()[name]
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["read_only"] is (name not in WRITES_ITS_OWN_CONFIGURATION)
    assert "mem_limit" in container
    assert not {"privileged", "cap_add", "pid", "network_mode", "devices"} & set(container)
    if tagged(container["image"])[0] not in OURS:
        assert min(int(part) for part in container["user"].split(":")) > 0
    assert "docker.sock" not in text_of(container)


def test_every_secret_is_a_file_that_the_command_makes(tmp_path: Path) -> None:
    make(tmp_path)
    made = {path.name for path in tmp_path.iterdir()}
    secrets = compose()["secrets"]
    assert all(set(secret) == {"file"} for secret in secrets.values())
    assert {Path(s["file"]).parent for s in secrets.values()} == {Path("secrets")}
    assert {Path(s["file"]).name for s in secrets.values()} <= made
    used = {
        given if isinstance(given, str) else given["source"]
        for container in containers().values()
        for given in container.get("secrets", [])
    }
    assert used == set(secrets)


def test_no_secret_stands_in_the_environment() -> None:
    for name, container in containers().items():
        for variable, value in container.get("environment", {}).items():
            if re.search(r"PASSW|SECRET|TOKEN|_KEY|CREDENTIAL", variable):
                assert variable.endswith("_FILE"), name
                assert value.startswith("/run/secrets/"), name
    assert not re.search(r"[0-9a-f]{32}", COMPOSE.read_text())


def test_waiting_is_for_what_can_be_told() -> None:
    for name, container in containers().items():
        for other, how in container.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in containers()[other], f"{name} waits for {other}"
            else:
                assert how["condition"] == "service_completed_successfully"
                assert containers()[other]["restart"] == "no"


def test_every_server_has_a_check_of_its_health() -> None:
    for name, container in containers().items():
        assert ("healthcheck" in container) is (container["restart"] != "no"), name


def test_service_is_asked_by_a_route_that_anybody_may_call(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "lake")
    routes = {r.path for r in declared(create_app(Settings(home.path))) if r.roles == PUBLIC}
    (asked,) = re.findall(
        r"http://127\.0\.0\.1:8000(/\w+)", text_of(containers()["service"]["healthcheck"])
    )
    assert asked in routes
    (in_the_image,) = re.findall(r"http://127\.0\.0\.1:8000(/\w+)", IMAGES["service"].read_text())
    assert in_the_image == asked


def test_commands_are_ones_that_the_platform_understands() -> None:
    found = [words for c in containers().values() for words in lakehouse_commands(command(c))]
    assert [words[:2] for words in found] == [["run", "payments_fraud"]] * 2
    for words in found:
        understood([word for word in words if word != "["])


def test_connect_is_started_with_the_jars_of_the_image() -> None:
    jars = variables(IMAGES["platform"])["LAKEHOUSE_SPARK_JARS"]
    given = f"--properties-file={jars}/lakehouse.properties"
    assert given in containers()["spark-connect"]["command"]


def test_all_of_spark_knows_one_another_by_the_secret() -> None:
    spark = [
        c for c in containers().values() if "cluster" in c["networks"] and "nginx" not in c["image"]
    ]
    assert len(spark) == 4
    for container in spark:
        folder = container["environment"]["SPARK_CONF_DIR"]
        expected = {"source": "spark_defaults", "target": f"{folder}/spark-defaults.conf"}
        assert expected in container["secrets"]


def test_writer_and_service_share_the_lake() -> None:
    holding: dict[str, Any] = {
        n: c["volumes"] for n, c in containers().items() if "lake:/lake" in c.get("volumes", [])
    }
    assert {"stages", "service", "stages-on-spark", "spark-worker"} <= set(holding)
    assert {v.partition(":")[0] for c in containers().values() for v in c.get("volumes", [])} == {
        *compose()["volumes"],
        "./proxy/nginx.conf",
    }
