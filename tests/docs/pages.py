"""Pages of Markdown, cut into their blocks of code, and a shell that does what they say.

What a page shows is run from the page itself. A comment before a block, which the site does not
show, says how where the language alone does not:

- a block with `title="name"` is a file of that name, put where the page says it belongs; another
  `python` block is run as a script, or only compiled after `<!-- test: fragment -->`;
- a `console` block is run line by line by one shell, which keeps its variables;
  `<!-- test: exit 3 -->` before it gives the exit code it ends with;
- a line of it that ends in `&` is a service: it takes a free port, which from then on stands for
  the address the page names, and ends with the shell;
- `<!-- test: prints -->` before a `text` block: the console block before printed these lines, in
  this order; `…` stands for anything, on a line of its own for any lines;
- `pip install -e .` lays the entry points of the folder's `pyproject.toml` where they are found;
- `…` in a command or a script stands for the key that `keys make` printed last;
- a block after `<!-- test: not run -->` is left to the reader.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ADDRESS = "http://127.0.0.1:8000"
"""Where a service is on the pages."""
_BLOCK = re.compile(
    r"(?:^<!-- test: (?P<mark>.+?) -->\n\s*)?"
    r"^```(?P<language>[a-z]+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A block of code: its language, its file name if it is a file, and the comment before it."""

    page: str
    line: int
    language: str
    text: str
    title: str = ""
    mark: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    text = page.read_text()
    return [
        Block(
            page.relative_to(ROOT).as_posix(),
            text.count("\n", 0, found.start("text")) + 1,
            found["language"],
            found["text"],
            found["title"] or "",
            found["mark"] or "",
        )
        for found in _BLOCK.finditer(text)
    ]


def commands(block: Block) -> Iterator[list[str]]:
    """The words of each `lakehouse` command of a console block; comments are left out."""
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        for part in _parted(words):
            if part[:2] == ["uv", "run"]:
                part = part[2:]
            if part[:1] == ["lakehouse"]:
                yield part[1:]


def _parted(words: list[str]) -> Iterator[list[str]]:
    """The commands of one line, without what is piped, redirected or run beside."""
    part: list[str] = []
    for word in [*words, ";"]:
        if word in (";", "&&", "||", "|", "&", ">", ">>"):
            yield part
            part = []
        else:
            part.append(word)


class Shell:
    """A folder with `lakehouse`, `python` and `uv run` on its path, as a reader has them."""

    def __init__(self, folder: Path, tools: Path, **variables: str) -> None:
        self.folder = folder
        tools.mkdir()
        python = shlex.quote(sys.executable)
        submit = shlex.quote(str(Path(sys.executable).with_name("spark-submit")))
        for name, does in {
            "lakehouse": f'exec {python} -m lakehouse.cli "$@"',
            "python": f'exec {python} "$@"',
            "pip": f"exec {python} -m tests.docs.editable",
            "uv": 'shift; exec "$@"',
            "spark-submit": f'PYSPARK_PYTHON={python} exec {submit} "$@"',
        }.items():
            (tools / name).write_text(f"#!/bin/sh\n{does}\n")
            (tools / name).chmod(0o755)
        self.variables = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "LAKEHOUSE_"))},
            "PATH": f"{tools}:{os.environ['PATH']}",
            "COLUMNS": "140",
            "GIT_AUTHOR_NAME": "Reader",
            "GIT_AUTHOR_EMAIL": "reader@example.org",
            "GIT_COMMITTER_NAME": "Reader",
            "GIT_COMMITTER_EMAIL": "reader@example.org",
            **variables,
        }
        self._exported = tools / "exported"
        self._exported.touch()
        self._services: list[subprocess.Popen[str]] = []
        self.address = ADDRESS
        self.key = "…"

    def run(self, text: str, expect: int = 0, where: object = "") -> str:
        """Run commands, services beside; returns what they printed."""
        lines = text.replace("\\\n", " ").splitlines()
        for service in (line for line in lines if line.endswith(" &")):
            self._serve(service.removesuffix(" &"))
        script = "\n".join(line for line in lines if not line.endswith(" &"))
        done = subprocess.run(
            ["bash", "-euc", f". {self._exported}\n{self.filled(script)}\nexport -p > $_exported"],
            cwd=self.folder,
            env={**self.variables, "_exported": str(self._exported)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == expect, f"{where} {script}\n{done.stdout}\n{done.stderr}"
        if printed := re.search(r"^key\s+(\S+)", done.stdout, re.MULTILINE):
            self.key = printed[1]
        return done.stdout

    def python(self, text: str, where: object = "") -> str:
        """Run a block of Python as a script."""
        script = self.folder / "block.py"
        script.write_text(self.filled(text))
        return self.run("python block.py", where=where)

    def filled(self, text: str) -> str:
        """The text with the address and the key that are true here."""
        return text.replace(ADDRESS, self.address).replace("…", self.key)

    def close(self) -> None:
        for service in self._services:
            service.terminate()
        for service in self._services:
            service.communicate(timeout=30)

    def _serve(self, command: str) -> None:
        service = subprocess.Popen(
            ["bash", "-euc", f". {self._exported}\nexec {command} --port 0"],
            cwd=self.folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._services.append(service)
        assert service.stdout is not None
        assert service.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", service.stdout.readline())
        assert found, f"{command}: {service.stderr.read()}"
        self.address = found[0]


@contextmanager
def shell(folder: Path, **variables: str) -> Iterator[Shell]:
    """A shell in a new folder `work` below the one given; its services end with it."""
    work = folder / "work"
    work.mkdir()
    made = Shell(work, folder / "tools", **variables)
    try:
        yield made
    finally:
        made.close()


def follow(page: Path, at: Shell) -> None:
    """Do all that a page says, and hold what it shows against what is printed."""
    printed = ""
    for block in blocks(page):
        if block.title:
            file = at.folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(at.filled(block.text))
        elif block.mark == "prints":
            assert_prints(printed, block)
        elif block.mark == "fragment":
            compile(block.text, str(block), "exec")
        elif block.language == "python":
            printed = at.python(block.text, block)
        elif block.language == "console" and block.mark != "not run":
            expect = int(block.mark.removeprefix("exit ")) if block.mark else 0
            printed = at.run(block.text, expect, block)
        elif block.mark != "not run":
            raise AssertionError(f"{block}: nothing says what to do with this block")


def assert_prints(printed: str, block: Block) -> None:
    """The lines of a block stand in what was printed, in their order."""
    found = [" ".join(line.split()) for line in printed.splitlines()]
    at = 0
    for line in block.text.splitlines():
        wanted = " ".join(line.split())
        if wanted in ("…", ""):
            continue
        pattern = re.compile(re.escape(wanted).replace("…", ".*"))
        place = next((n for n in range(at, len(found)) if pattern.fullmatch(found[n])), None)
        assert place is not None, f"{block}: '{wanted}' was not printed:\n{printed}"
        at = place + 1
