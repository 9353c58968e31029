"""What a verb's argument names of a domain, or what there is where it names nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakehouse.errors import LakehouseError, NotFound, unknown

if TYPE_CHECKING:
    from lakehouse.declare import Cleaned, Domain
    from lakehouse.declare.training import Model


def only_model(domain: Domain, name: str | None) -> Model:
    """The model of that name, or the only one; raises LakehouseError naming those there are."""
    if name is None:
        if len(domain.models) != 1:
            names = ", ".join(m.name for m in domain.models) or "none"
            raise LakehouseError(
                f"Domain '{domain.name}' has {len(domain.models)} models ({names}); name one."
            )
        return domain.models[0]
    return domain.model(name)


def cleaned_tables(domain: Domain, name: str | None) -> tuple[Cleaned, ...]:
    """The domain's cleaned tables, or the one of that name; raises NotFound naming those."""
    by_name = {cleaned.name: cleaned for cleaned in domain.cleaned}
    if name is None:
        return domain.cleaned
    if name not in by_name:
        raise NotFound(unknown("cleaned table", name, by_name, f"Domain '{domain.name}'"))
    return (by_name[name],)
