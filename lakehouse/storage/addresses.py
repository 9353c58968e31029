"""Addresses of folders, as URIs: a name is never taken for an address, nor an address for a name.

A folder may be called `a b`, `50%` or `größe`; its address holds that percent-encoded. Only this
module goes from one to the other.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from lakehouse.errors import LakehouseError

# delta-rs decodes a URI once more than it was encoded, takes `\` for `/`, and puts the path into a
# host name: of these it would panic, or read and write in another folder, `a b` for `a%20b`.
_MIXED_UP = re.compile(r"%[0-9A-Fa-f]{2}|[\[\]\\^|\x00-\x1f\x7f]")


def address_of(folder: Path) -> str:
    """The address of a folder of this machine, as `file:///…`.

    Raises LakehouseError for a path that Delta's library would take for another one.

    >>> address_of(Path("/data/a b"))
    'file:///data/a%20b'
    """
    whole = folder.absolute()
    mixed_up = _MIXED_UP.search(str(whole))
    if mixed_up:
        raise LakehouseError(
            f"Folder {str(whole)!r} has {mixed_up[0]!r} in its path, which Delta's library takes "
            "for something else; move it to a path without [ ] \\ ^ |, control characters and a "
            "percent sign before two hexadecimal digits."
        )
    return whole.as_uri()


def below(address: str, *names: str) -> str:
    """The address of a folder below another one, each name as it is called.

    >>> below("file:///data", "a b", "t")
    'file:///data/a%20b/t'
    """
    return "/".join([address.rstrip("/"), *(quote(name, safe="") for name in names)])


def folder_at(address: str) -> Path:
    """The folder of this machine that an address names; raises LakehouseError for any other.

    >>> folder_at("file:///data/a%20b")
    PosixPath('/data/a b')
    """
    parts = urlsplit(address)
    if parts.scheme != "file" or parts.netloc:
        raise LakehouseError(f"{address} is no folder of this machine; write file:///….")
    return Path(unquote(parts.path))
