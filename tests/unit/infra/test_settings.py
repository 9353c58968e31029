"""Settings of dev, test and prod: no name that nothing reads, and no value that is a secret."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from lakehouse.declare.durations import DAY
from lakehouse.features.online.stores.redis.address import Address
from lakehouse.records.online import from_environment as read_online
from serving.settings import Settings
from tests.unit.infra.kustomization import pod_of, render
from tests.unit.infra.reading import (
    ENVIRONMENTS,
    IMAGES,
    INFRA,
    ROOT,
    containers,
    settings,
    variables,
)

USER, SECRET = "lakehouse", "redis_password"
BY_THE_IMAGE = {"LAKEHOUSE_CODE_VERSION", "LAKEHOUSE_SPARK_JARS"}

every_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


def read_by_the_platform() -> set[str]:
    return {
        name
        for package in ("lakehouse", "serving", "jobs", "feature_repo")
        for source in (ROOT / package).rglob("*.py")
        for name in re.findall(r"[\"'](LAKEHOUSE_[A-Z_]+)[\"']", source.read_text())
    }


def read_by_mlflow() -> set[str]:
    """What MLflow names in quotes, in its settings and its command line, without importing it."""
    spec = importlib.util.find_spec("mlflow")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    sources = ("environment_variables.py", "cli/__init__.py", "utils/cli_args.py")
    return {
        name
        for source in sources
        for name in re.findall(r"\"(MLFLOW_[A-Z_]+)\"", (package / source).read_text())
    }


def stated() -> dict[str, set[str]]:
    """Every name that infra/ sets, by the place that sets it."""
    found = {f"settings/{e}": set(settings(e)) for e in ENVIRONMENTS}
    found |= {f"images/{name}": set(variables(path)) for name, path in IMAGES.items()}
    found |= {
        f"compose {name}": set(container.get("environment", {}))
        for name, container in containers().items()
    }
    for environment in ENVIRONMENTS:
        for document in render(INFRA / "kubernetes" / "overlays" / environment):
            pod = pod_of(document)
            for container in pod["spec"]["containers"] if pod else []:
                place = f"{environment} {document['metadata']['name']}"
                found[place] = {variable["name"] for variable in container.get("env", [])}
    return found


def test_every_name_is_read_by_code() -> None:
    read = read_by_the_platform() | read_by_mlflow()
    for place, names in stated().items():
        ours = {n for n in names if n.startswith(("LAKEHOUSE_", "MLFLOW_"))}
        assert ours - read == set(), place


def test_every_name_that_the_platform_reads_is_set() -> None:
    """A setting that is added to the code is thought of here too."""
    for environment in ENVIRONMENTS:
        assert read_by_the_platform() - set(settings(environment)) == BY_THE_IMAGE
    assert set(variables(IMAGES["platform"])) >= BY_THE_IMAGE


@every_environment
def test_environments_differ_in_values_alone(environment: str) -> None:
    assert set(settings(environment)) == set(settings("prod"))


@every_environment
def test_service_starts_with_these_settings(environment: str) -> None:
    read = Settings.read([], settings(environment))
    assert (str(read.home), read.host, read.port) == ("/lake", "0.0.0.0", 8000)


@every_environment
def test_settings_hold_no_secret(environment: str) -> None:
    names = settings(environment)
    assert not [n for n in names if re.search(r"PASSW|SECRET|TOKEN|KEY|CREDENTIAL", n)]
    assert not [v for v in names.values() if re.search(r"//[^/]*@|[0-9a-fA-F]{16}", v)]


@every_environment
def test_clients_of_mlflow_are_sent_to_the_proxy(environment: str) -> None:
    assert settings(environment)["MLFLOW_TRACKING_URI"] == "http://mlflow-proxy:8080"


@every_environment
def test_features_lie_on_the_redis_server_whose_password_is_a_file(environment: str) -> None:
    address = Address.parse(settings(environment)["LAKEHOUSE_ONLINE_URL"])
    assert (address.host, address.port, address.username, address.password) == (
        "redis",
        6379,
        USER,
        None,
    )
    filling = {"stages", "stages-on-spark", "service"}
    for name in filling:
        container = containers()[name]
        assert f"/run/secrets/{SECRET}" == address.password_file
        assert SECRET in container["secrets"], name
        assert set(container["networks"]) & set(containers()["redis"]["networks"]), name
    mounted = {
        document["metadata"]["name"]
        for document in render(INFRA / "kubernetes" / "overlays" / environment)
        for volume in ((pod_of(document) or {"spec": {}})["spec"].get("volumes") or [])
        if volume.get("secret", {}).get("items") == [{"key": SECRET, "path": SECRET}]
    }
    assert mounted == {"service", "payments-fraud-take-in"}
    assert read_online(settings(environment)).keep_us == 30 * DAY
