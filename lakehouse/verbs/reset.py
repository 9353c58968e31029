"""`reset`: remove the lake."""

from __future__ import annotations

import shutil
from typing import Annotated

from lakehouse.verbs.core.answer import FAILED, Answer, said
from lakehouse.verbs.core.parameters import Option
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("reset")
def reset(
    session: Session,
    yes: Annotated[bool, Option("Do not ask.", ("--yes",))] = False,
) -> Answer:
    """Remove the whole lake: tables, models, records and landed files."""
    from lakehouse.storage.catalog import Catalog

    home = session.home()
    tables = Catalog.of(home.path).tables()
    question = f"Remove the lake in {home.path} with its {len(tables)} tables, for good?"
    if not yes and not session.confirm(question):
        return Answer(None, (), FAILED)
    from lakehouse.records.lock import writing

    with writing(home.path):
        # The marker goes last: an interrupted removal still is a lake that can be removed.
        for item in home.path.iterdir():
            if item.name not in ("lake.json", ".writer.lock"):
                shutil.rmtree(item) if item.is_dir() else item.unlink()
        (home.path / "lake.json").unlink()
    shutil.rmtree(home.path)
    return said(f"The lake in {home.path} is gone.")
