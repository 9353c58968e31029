"""The lake on Kubernetes: who holds it, and the jobs that write it."""

from __future__ import annotations

from importlib.util import find_spec

from tests.docs.test_commands import understood
from tests.unit.infra.manifests import documents, pods
from tests.unit.infra.reading import lakehouse_commands, paths_of


def test_who_holds_the_lake_runs_on_its_node() -> None:
    (lake,) = [
        d for d in documents(kind="PersistentVolumeClaim") if d["metadata"]["name"] == "lake"
    ]
    assert lake["spec"]["accessModes"] == ["ReadWriteOnce"]
    together = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": {"lake": "main"}},
    }
    holding = {
        name: pod
        for name, pod in pods().items()
        if {"claimName": "lake"} in list(paths_of(pod, "persistentVolumeClaim"))
    }
    assert set(holding) == {"service", *(d["metadata"]["name"] for d in documents(kind="CronJob"))}
    for name, pod in holding.items():
        (required,) = paths_of(pod, "requiredDuringSchedulingIgnoredDuringExecution")
        assert required == [together], name
        assert pod["metadata"]["labels"]["lake"] == "main", name


def test_jobs_say_what_the_platform_understands() -> None:
    stages: list[str] = []
    for job in documents(kind="CronJob"):
        (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        words = container["command"]
        assert words[0] in ("lakehouse", "python"), words
        if words[0] == "lakehouse":
            for found in lakehouse_commands(" ".join(words)):
                understood(found)
            stages += [
                w for w in words if w in ("raw", "cleaned", "curated", "features", "training")
            ]
        else:
            assert words[1] == "-m"
            assert find_spec(words[2]) is not None
    assert stages == ["raw", "cleaned", "curated", "features", "training"]


def test_jobs_wait_for_one_another_and_are_looked_at_rather_than_tried_again() -> None:
    for job in documents(kind="CronJob"):
        assert job["spec"]["concurrencyPolicy"] == "Forbid"
        of = job["spec"]["jobTemplate"]["spec"]
        (container,) = of["template"]["spec"]["containers"]
        assert "--wait" in container["command"]
        (rule,) = of["podFailurePolicy"]["rules"]
        assert (rule["action"], rule["onExitCodes"]["values"]) == ("FailJob", [3])
        assert rule["onExitCodes"]["containerName"] == container["name"]
