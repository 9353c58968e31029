"""Keys of the service: `keys make`, `keys list`, `keys revoke`."""

from __future__ import annotations

from typing import Annotated

import typer

from lakehouse.cli.state import state

group = typer.Typer(no_args_is_help=True, help="Keys for the service; only their hashes are kept.")


@group.command()
def make(
    context: typer.Context,
    role: Annotated[str, typer.Argument(help="application, scientist or operator")],
    label: Annotated[str, typer.Option(help="Whose key it is.")] = "",
) -> None:
    """Make a key for a role and print it, once."""
    from lakehouse.records.keys import make_key

    here = state(context)
    here.output.facts({"role": role, "key": make_key(here.records(), role, label)})


@group.command("list")
def listed(context: typer.Context) -> None:
    """List the keys there are: role, label, age and the first digits of their hash."""
    here = state(context)
    rows = here.records().select(
        "SELECT role, label, created_at, substr(key_sha256, 1, 12) AS hash FROM keys "
        "ORDER BY created_at"
    )
    here.output.rows(rows, "Keys", empty="none; make one with 'lakehouse keys make application'")


@group.command()
def revoke(
    context: typer.Context,
    hash_prefix: Annotated[str, typer.Argument(help="First digits of the hash, from 'list'.")],
) -> None:
    """Take a key away; the service refuses it from then on."""
    from lakehouse.errors import NotFound

    records = state(context).records()
    with records.connection() as db:
        gone = db.execute(
            "DELETE FROM keys WHERE substr(key_sha256, 1, ?) = ?", (len(hash_prefix), hash_prefix)
        ).rowcount
    if gone == 0:
        raise NotFound(f"No key has a hash that begins with '{hash_prefix}'; see 'keys list'.")
    state(context).output.say(f"{gone} key(s) taken away.")
