"""Commands and jobs are made from the verbs, and a verb is one file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from jobs.program import Program
from lakehouse import verbs
from lakehouse.cli.commands import add_verbs
from lakehouse.cli.output import Output
from lakehouse.cli.state import State
from lakehouse.verbs.core.parameters import Option
from lakehouse.verbs.core.verb import GROUPS, Verb, every_verb

VERBS = {verb.name: verb for verb in every_verb()}
JOBS = {
    path.stem: import_module(f"jobs.{path.stem}").main
    for path in Path(import_module("jobs").__path__[0]).glob("*.py")
    if path.stem not in ("__init__", "program")
}
ONE_FILE = '''
"""`keys count`: how many keys there are."""

from typing import Annotated

from lakehouse.verbs.core.answer import LOOK, Answer, facts
from lakehouse.verbs.core.parameters import Argument, Option
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("keys count")
def keys_count(
    session: Session,
    role: Annotated[str, Argument("Of this role.")],
    label: Annotated[str | None, Argument("Of this person.")] = None,
    at_least: Annotated[int, Option("So many there should be.", in_job=3)] = 1,
) -> Answer:
    """Count the keys of a role."""
    return facts({"role": role, "label": label, "at_least": at_least}, code=LOOK)
'''


@pytest.fixture
def one_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Verb]:
    """A verb whose file has just been put beside the others."""
    (tmp_path / "keys_count.py").write_text(ONE_FILE)
    monkeypatch.setattr(verbs, "__path__", [*verbs.__path__, str(tmp_path)])
    yield next(verb for verb in every_verb() if verb.name == "keys count")
    del sys.modules["lakehouse.verbs.keys_count"]


def test_a_new_file_is_a_command(one_more: Verb) -> None:
    app = typer.Typer()

    @app.callback()
    def options(context: typer.Context) -> None:
        context.obj = State(Path("lake"), Output(as_json=True))

    add_verbs(app)
    done = CliRunner().invoke(app, ["keys", "count", "operator", "ada", "--at-least", "2"])
    expected = {"role": "operator", "label": "ada", "at_least": 2}
    assert (expected, 3) == (json.loads(done.stdout), done.exit_code)
    assert "Count the keys of a role." in CliRunner().invoke(app, ["keys", "--help"]).stdout
    helped = CliRunner().invoke(app, ["keys", "count", "--help"]).stdout
    for text in ("Of this role.", "Of this person.", "So many there should be.", "[default: 1]"):
        assert text in helped


def test_a_new_file_is_a_job(one_more: Verb, capsys: pytest.CaptureFixture[str]) -> None:
    job = Program(one_more, "Counts.", label="ada")
    assert job(["operator", "--home", "lake"]) == 3
    assert {"role": "operator", "label": "ada", "at_least": 3} == json.loads(
        capsys.readouterr().out
    )
    by_name = Program(one_more, "Counts.")
    assert by_name(["operator", "--label", "grace", "--at-least", "1"]) == 3
    expected = {"role": "operator", "label": "grace", "at_least": 1}
    assert expected == json.loads(capsys.readouterr().out)


def test_every_element_of_an_answer_is_a_line_of_a_job(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from lakehouse.records.home import Home

    home = Home.create(tmp_path / "lake", "wall").path
    job = Program(VERBS["keys make"], None, role="operator")
    assert (job(["--home", str(home)]), job(["--home", str(home)])) == (0, 0)
    capsys.readouterr()
    assert Program(VERBS["keys list"], None)(["--home", str(home)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert ["operator", "operator"] == [json.loads(line)["role"] for line in lines]


def test_every_verb_says_what_it_does_and_what_it_takes() -> None:
    for verb in VERBS.values():
        assert verb.help.partition("\n")[0].endswith("."), verb.name
        assert all(parameter.mark.help for parameter in verb.parameters), verb.name
        assert [group in GROUPS for group in verb.name.split()[:-1]] in ([], [True])
        file = verb.function.__module__.rpartition(".")[2]
        assert file == verb.name.replace(" ", "_")


def test_a_job_takes_every_option_of_its_command() -> None:
    for name, job in JOBS.items():
        options: dict[str, Any] = {a.dest: a.option_strings for a in job.parser._actions}
        for parameter in job.verb.parameters:
            if isinstance(parameter.mark, Option):
                assert set(parameter.flags) <= set(options[parameter.name]), (name, parameter.name)


def test_the_list_of_verbs_loads_nothing_that_prints_or_computes() -> None:
    heavy = ("typer", "rich", "numpy", "pandas", "pyarrow", "deltalake", "duckdb", "mlflow")
    code = (
        "import sys; from lakehouse.verbs.core.verb import every_verb; "
        "assert all(verb.parameters is not None for verb in every_verb()); "
        f"print(sorted(set({heavy}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
