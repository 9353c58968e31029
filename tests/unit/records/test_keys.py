"""API keys: one role each, only digests kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lakehouse.errors import NotFound
from lakehouse.records.keys import (
    fingerprint,
    listed_keys,
    make_key,
    revoke_keys,
    revoke_keys_labelled,
    role_of,
)
from lakehouse.records.store import Records


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "records.db", lambda: datetime(2026, 1, 1, tzinfo=UTC))


def test_a_key_has_the_role_it_was_made_for(records: Records) -> None:
    made = {role: make_key(records, role, "x") for role in ("application", "scientist", "operator")}
    assert {role: role_of(records, key) for role, key in made.items()} == {r: r for r in made}


def test_a_key_nobody_made_has_no_role(records: Records) -> None:
    key = make_key(records, "operator", "x")
    assert [role_of(records, k) for k in ("", "operator", key[:-1], key + " ")] == [None] * 4


def test_the_key_itself_is_stored_nowhere(records: Records, tmp_path: Path) -> None:
    key = make_key(records, "operator", "on call")
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"on call" in stored
    assert key.encode() not in stored


def test_a_role_that_does_not_exist_is_refused_naming_those_that_do(records: Records) -> None:
    with pytest.raises(NotFound, match="application, operator, scientist"):
        make_key(records, "admin", "x")


def test_keys_are_listed_without_themselves(records: Records) -> None:
    key = make_key(records, "operator", "night")
    created = "2026-01-01T00:00:00.000000Z"
    hashed = fingerprint(key)[:12]
    assert listed_keys(records) == [
        {"role": "operator", "label": "night", "created_at": created, "hash": hashed}
    ]


def test_a_key_is_taken_away_by_the_beginning_of_its_hash(records: Records) -> None:
    gone, kept = (make_key(records, "operator", label) for label in ("gone", "kept"))
    assert 1 == revoke_keys(records, fingerprint(gone)[:12])
    assert [None, "operator"] == [role_of(records, key) for key in (gone, kept)]
    assert 0 == revoke_keys(records, fingerprint(gone)[:12])


def test_keys_are_taken_away_by_their_label(records: Records) -> None:
    for role in ("operator", "scientist"):
        make_key(records, role, "demo")
    kept = make_key(records, "operator", "demonstration")
    assert 2 == revoke_keys_labelled(records, "demo")
    assert [fingerprint(kept)[:12]] == [key["hash"] for key in listed_keys(records)]
