"""What the page about deploying says is there is there."""

from __future__ import annotations

import re
import shlex

import yaml

from tests.docs.pages import DOCS, ROOT, blocks
from tests.docs.test_commands import understood
from tests.unit.infra.manifests import documents
from tests.unit.infra.reading import INFRA, containers, lakehouse_commands
from tests.unit.infra.test_kubernetes import NEWEST, OLDEST

PAGE = DOCS / "how-to" / "deploy.md"
TEXT = PAGE.read_text()
LINES = [
    line.partition(" #")[0]
    for block in blocks(PAGE)
    for line in block.text.replace("\\\n", " ").splitlines()
]


def test_every_path_is_there() -> None:
    named = set(re.findall(r"infra/[\w./-]*[\w/]", TEXT))
    kept = {path for path in named if not path.startswith("infra/secrets/")}
    assert {path for path in kept if not (ROOT / path).exists()} == set()
    assert {path.name for path in INFRA.iterdir() if path.name != "mkdocs.yml"} == {
        path.split("/")[1] for path in kept if path != "infra/"
    }


def test_compose_has_what_it_is_asked_for() -> None:
    profiles = {p for c in containers().values() for p in c.get("profiles", [])}
    asked = [shlex.split(line) for line in LINES if line.startswith("docker compose")]
    assert {w[w.index("--profile") + 1] for w in asked if "--profile" in w} == profiles
    for words in asked:
        for verb in ("run", "exec", "--force-recreate"):
            if verb in words:
                named = [w for w in words[words.index(verb) + 1 :] if not w.startswith("-")]
                meant = named if verb == "--force-recreate" else named[:1]
                assert set(meant) <= set(containers()), words
    restarted = re.search(r"\| deleted \|.*?\n\n", TEXT, re.DOTALL)
    assert restarted
    names = re.findall(r"^\| `\w+` \| (.*?) \|$", restarted[0], re.MULTILINE)
    assert {n for row in names for n in re.findall(r"`([\w-]+)`", row)} <= set(containers())


def test_commands_inside_containers_are_understood() -> None:
    found = [words for line in LINES for words in lakehouse_commands(line)]
    assert len(found) == 3
    for words in found:
        understood(words)


def test_cluster_has_what_it_is_asked_for() -> None:
    jobs = {d["metadata"]["name"] for d in documents("dev", "CronJob")}
    assert set(re.findall(r"--from=cronjob/([\w-]+)", TEXT)) <= jobs
    policies = yaml.safe_dump(documents("dev", "NetworkPolicy"))
    label = re.search(r"`(lakehouse-clients)=true`", TEXT)
    assert label
    assert f"{label[1]}: 'true'" in policies
    assert f"Kubernetes {OLDEST} and {NEWEST}" in TEXT
