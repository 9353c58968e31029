"""`history`: the runs, and what each read and wrote."""

from __future__ import annotations

from typing import Annotated, Any

from lakehouse.verbs.core.answer import Answer, Rows
from lakehouse.verbs.core.parameters import Argument, Option
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("history")
def history(
    session: Session,
    domain: Annotated[str | None, Argument("Only this domain.")] = None,
    target: Annotated[str | None, Option("Only this table, view or model.")] = None,
    limit: Annotated[int, Option("How many runs, newest first.")] = 20,
) -> Answer:
    """List runs: what each read and wrote, with versions.

    Example: lakehouse history payments_fraud --target payments
    """
    from lakehouse.records.overview import history as recorded

    runs = recorded(session.records(), domain, target, limit)
    shown = Rows(
        [_line(run) for run in runs], "Runs, newest first", right=("seconds",), empty="none yet"
    )
    return Answer(runs, (shown,))


def _line(run: dict[str, Any]) -> dict[str, Any]:
    """One run on one line: tables without their domain, which the run names."""

    def short(tables: list[str]) -> str:
        return ", ".join(t.replace(f"/{run['domain']}/", " ") for t in tables)

    shown = {
        "started_at": run["started_at"],
        "domain": run["domain"],
        "run": f"{run['stage']} {run['target']}",
        "seconds": run["seconds"],
        "read": short(run["read"]),
        "wrote": short(run["write"]),
        "code": run["code_version"][:10],
    }
    return shown | ({"failed": run["error"]} if run["error"] else {})
