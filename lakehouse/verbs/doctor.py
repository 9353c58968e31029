"""`doctor`: whether this machine and the lake are well."""

from __future__ import annotations

from lakehouse.verbs.core.answer import DONE, FAILED, Answer, rows
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("doctor")
def doctor(session: Session) -> Answer:
    """Check this machine and the lake, and say what to do about what is wrong."""
    from lakehouse.sdk.doctor import examine

    findings = examine(session.folder)
    wrong = any(finding["state"] == "wrong" for finding in findings)
    return rows(findings, "Checks", code=FAILED if wrong else DONE)
