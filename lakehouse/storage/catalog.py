"""The tables of one lake, by zone, domain and name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lakehouse.storage.addresses import address_of, below, folder_at
from lakehouse.storage.tables import TableRef

ZONES = ("raw", "cleaned", "quarantine", "set_aside", "curated", "training")
_TABLES = "tables"


def place(zone: str, domain: str, name: str) -> str:
    """Where a table lies below its lake's folder, for declarations that name no lake."""
    return "/".join((_TABLES, zone, domain, name))


@dataclass(frozen=True)
class Catalog:
    """Where a lake's tables lie: `address` is that of the folder which holds its zones."""

    address: str

    @staticmethod
    def of(lake: Path) -> Catalog:
        """The catalogue of the lake in a folder."""
        return Catalog(below(address_of(lake), _TABLES))

    def table(self, zone: str, domain: str, name: str) -> TableRef:
        """A table, whether it is there yet or not."""
        return TableRef(f"{zone}/{domain}/{name}", below(self.address, zone, domain, name))

    def tables(self, domain: str | None = None) -> list[TableRef]:
        """The tables there are, of one domain or of all, by their ids."""
        root = folder_at(self.address)
        places = [log.parent.relative_to(root).parts for log in root.glob("*/*/*/_delta_log")]
        return [self.table(*parts) for parts in sorted(places) if domain in (None, parts[1])]
