"""Commands, made from the verbs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from lakehouse.cli.state import state
from lakehouse.verbs.core.parameters import Argument, Parameter
from lakehouse.verbs.core.verb import GROUPS, Verb, every_verb


def add_verbs(app: typer.Typer) -> None:
    """Add every verb: those of one word as commands, those of two to the group they name."""
    groups: dict[str, typer.Typer] = {}
    for verb in every_verb():
        *group, word = verb.name.split()
        for name in group:
            if name not in groups:
                groups[name] = typer.Typer(no_args_is_help=True, help=GROUPS[name])
                app.add_typer(groups[name], name=name)
        holder = groups[group[0]] if group else app
        holder.command(word)(command(verb))


def command(verb: Verb) -> Callable[..., None]:
    """The function that typer makes a command from; it prints the answer and ends with its code."""

    def run(context: typer.Context, **values: Any) -> None:
        here = state(context)
        with here.session() as session:
            answer = verb(session, values)
        here.output.answer(answer)
        if answer.code:
            raise typer.Exit(answer.code)

    first = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    own = {p.name: _annotation(p) for p in verb.parameters}
    run.__annotations__ = {"context": typer.Context, **own, "return": None}
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [first.replace(annotation=typer.Context), *map(_signature, verb.parameters)]
    )
    run.__doc__ = verb.help
    return run


def _signature(parameter: Parameter) -> inspect.Parameter:
    default = inspect.Parameter.empty if parameter.required else parameter.default
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(
        parameter.name, kind, default=default, annotation=_annotation(parameter)
    )


def _annotation(parameter: Parameter) -> Any:
    """The parameter as typer reads it. A moment is text here: the verb reads it."""
    kind: Any = str if parameter.reads else parameter.kind
    kind = list[kind] if parameter.many else kind
    kind = kind if parameter.required or parameter.default is not None else kind | None
    mark = parameter.mark
    if isinstance(mark, Argument):
        return Annotated[kind, typer.Argument(help=mark.help)]
    return Annotated[kind, typer.Option(*mark.flags, help=mark.help)]
