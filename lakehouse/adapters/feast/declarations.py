"""What a Feast object stands for: the declaration that its tags name, as it is installed.

Views of the declarations carry their domain, their name and the digest of their declaration. A
registry whose digests are not those of the installed declarations is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from lakehouse.declare import compiled
from lakehouse.declare.domain import Domain
from lakehouse.declare.features import RequestView, StoredView, View
from lakehouse.declare.tables import Table
from lakehouse.errors import LakehouseError
from lakehouse.sdk import composition

DOMAIN = "lakehouse.domain"
VIEW = "lakehouse.view"
TABLE = "lakehouse.table"
DIGEST = "lakehouse.digest"


class StaleRegistry(LakehouseError):
    """The Feast registry holds other declarations than are installed."""


@cache
def installed() -> Mapping[str, Domain]:
    """The installed domains by name."""
    return {name: composition.load_domain(name) for name in composition.domain_names()}


def tags_of_view(domain: Domain, view: View) -> dict[str, str]:
    """The tags of the Feast view that stands for a declared one."""
    return {DOMAIN: domain.name, VIEW: view.name, DIGEST: compiled.digest(view)}


def tags_of_rows(domain: Domain, table: Table) -> dict[str, str]:
    """The tags of the Feast view of a table's own rows."""
    return {DOMAIN: domain.name, TABLE: table.name, DIGEST: compiled.digest(table)}


@cache
def digest(domain: str, view: str) -> str:
    """The digest of an installed view's declaration."""
    return compiled.digest(installed()[domain].view(view))


def domain_of(feast_view: Any) -> Domain:
    """The domain that a Feast view of ours is of; raises StaleRegistry if it is gone."""
    name = feast_view.tags[DOMAIN]
    if name not in installed():
        raise _stale(feast_view.name, f"domain '{name}' is not installed")
    return installed()[name]


def stored_view(feast_view: Any) -> StoredView | None:
    """The stored view that a Feast view stands for; None for one of the user's own."""
    view = _view(feast_view)
    if view is not None and not isinstance(view, StoredView):
        raise _stale(feast_view.name, "it is computed from requests now")
    return view


def request_view(feast_view: Any) -> RequestView | None:
    """The request view that an on-demand view stands for; None for one of the user's own."""
    view = _view(feast_view)
    if view is not None and not isinstance(view, RequestView):
        raise _stale(feast_view.name, "it is stored now")
    return view


def table_of_rows(feast_view: Any) -> Table | None:
    """The table whose rows a Feast view shows; None for any other view."""
    if TABLE not in feast_view.tags:
        return None
    domain = domain_of(feast_view)
    named = {table.name: table for table in domain.tables}
    table = named.get(feast_view.tags[TABLE])
    if table is None or compiled.digest(table) != feast_view.tags[DIGEST]:
        raise _stale(feast_view.name, "its table is declared otherwise now")
    return table


def _view(feast_view: Any) -> View | None:
    if VIEW not in feast_view.tags:
        return None
    domain = domain_of(feast_view)
    name = feast_view.tags[VIEW]
    if name not in {view.name for view in domain.views}:
        raise _stale(feast_view.name, f"domain '{domain.name}' declares no such view any more")
    if feast_view.tags.get(DIGEST) != digest(domain.name, name):
        raise _stale(feast_view.name, "it is declared otherwise now")
    return domain.view(name)


def _stale(name: str, why: str) -> StaleRegistry:
    return StaleRegistry(
        f"The Feast registry is older than the declarations: view '{name}': {why}. Run "
        "'feast apply' in the folder of feature_store.yaml."
    )
