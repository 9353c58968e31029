"""API keys: a role for whoever holds one; the lake keeps only their digests."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, Literal, get_args

from lakehouse.errors import NotFound, unknown
from lakehouse.records.store import Records, iso

Role = Literal["application", "scientist", "operator"]
ROLES: tuple[Role, ...] = get_args(Role)
"""application: features, predict and feedback; scientist: features and models; operator: all."""


def make_key(records: Records, role: str, label: str) -> str:
    """Make a key for a role and return it, the only time it can be seen.

    A key is 256 random bits, so its bare SHA-256, which is all that is stored, cannot be turned
    back. `label` says whose key it is. Raises NotFound for a role that does not exist.
    """
    if role not in ROLES:
        raise NotFound(unknown("role", role, ROLES, "The service"))
    made = secrets.token_urlsafe(32)
    with records.connection() as db:
        db.execute(
            "INSERT INTO keys (key_sha256, role, label, created_at) VALUES (?, ?, ?, ?)",
            (fingerprint(made), role, label, iso(records.now())),
        )
    return made


def role_of(records: Records, key: str) -> str | None:
    """Return the role of a key, or None if the lake does not know it."""
    found = records.select("SELECT role FROM keys WHERE key_sha256 = ?", fingerprint(key))
    return str(found[0]["role"]) if found else None


def listed_keys(records: Records) -> list[dict[str, Any]]:
    """The keys there are, oldest first: role, label, age and the first digits of the hash."""
    return records.select(
        "SELECT role, label, created_at, substr(key_sha256, 1, 12) AS hash FROM keys "
        "ORDER BY created_at"
    )


def revoke_keys(records: Records, hash_prefix: str) -> int:
    """Take away the keys whose hash begins so, and return how many there were."""
    with records.connection() as db:
        return db.execute(
            "DELETE FROM keys WHERE substr(key_sha256, 1, ?) = ?", (len(hash_prefix), hash_prefix)
        ).rowcount


def revoke_keys_labelled(records: Records, label: str) -> int:
    """Take away the keys with a label, and return how many there were."""
    with records.connection() as db:
        return db.execute("DELETE FROM keys WHERE label = ?", (label,)).rowcount


def fingerprint(key: str) -> str:
    """The SHA-256 of a key, in hex: what the lake keeps of it."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
