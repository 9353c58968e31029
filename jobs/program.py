"""A verb as a program for schedulers: arguments, one JSON object a line, an exit code."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from lakehouse.verbs.core.parameters import Option, Parameter
from lakehouse.verbs.core.process import collect_seldom
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import Verb


class Program:
    """A verb that a scheduler or spark-submit starts; `fixed` are parameters it has already.

    Arguments and options are the verb's own; an argument that may be left out is told by its name.
    """

    def __init__(self, verb: Verb, description: str | None, **fixed: Any) -> None:
        self.verb = verb
        self._fixed = fixed
        self.parser = argparse.ArgumentParser(description=description)
        self.parser.add_argument("--home", help="The lake's folder; default: LAKEHOUSE_HOME.")
        for parameter in verb.parameters:
            if parameter.name not in fixed:
                _add(self.parser, parameter)

    def __call__(self, argv: Sequence[str] | None = None) -> int:
        """Do it; print each element of the answer as a JSON object on a line of its own."""
        collect_seldom()
        values = vars(self.parser.parse_intermixed_args(argv))
        answer = self.verb(Session.of(values.pop("home")), values | self._fixed)
        document = answer.document
        for line in document if isinstance(document, list) else [document]:
            print(json.dumps(line, default=str))
        return answer.code


def _add(parser: argparse.ArgumentParser, parameter: Parameter) -> None:
    mark, kind = parameter.mark, str if parameter.reads else parameter.kind
    text = mark.help.replace("%", "%%")
    if not isinstance(mark, Option) and (parameter.required or parameter.many):
        many = {"nargs": "*"} if parameter.many else {}
        parser.add_argument(parameter.name, type=kind, help=text, **many)  # type: ignore[arg-type]
        return
    flags = parameter.flags or (f"--{parameter.name.replace('_', '-')}",)
    default = mark.in_job if isinstance(mark, Option) and mark.in_job else parameter.default
    how: dict[str, Any] = {"dest": parameter.name, "default": default, "help": text}
    if parameter.kind is bool:
        how["action"] = argparse.BooleanOptionalAction if parameter.deniable else "store_true"
    else:
        how |= {"type": kind, "required": parameter.required}
        how |= {"action": "append"} if parameter.many else {}
    parser.add_argument(*flags, **how)
