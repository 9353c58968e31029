"""Secrets are made by a command, stand in files, and are not in the repository."""

from __future__ import annotations

import base64
import configparser
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.infra.reading import INFRA

SCRIPT = INFRA / "make_secrets.py"


def make(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, SCRIPT, folder], capture_output=True, text=True, check=True
    )
    return done.stdout + done.stderr


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make(tmp_path / "secrets")
    return tmp_path / "secrets"


def test_each_password_is_another_and_none_is_printed(tmp_path: Path) -> None:
    told = make(tmp_path / "secrets")
    passwords = {t for n, t in contents(tmp_path / "secrets").items() if n.endswith("_password")}
    assert len(passwords) == 4
    assert all(re.fullmatch(r"[0-9a-f]{64}", password) for password in passwords)
    assert not [password for password in passwords if password in told]


def test_other_users_of_the_machine_are_kept_out(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700


def test_proxy_knows_the_password_by_its_digest(folder: Path) -> None:
    made = contents(folder)
    user, _, known = made["mlflow_htpasswd"].strip().partition(":")
    raw = base64.b64decode(known.removeprefix("{SSHA}"))
    expected = hashlib.sha1(made["mlflow_password"].encode() + raw[20:]).digest()
    assert (user, raw[:20]) == ("lakehouse", expected)


def test_mlflows_clients_and_the_proxy_agree(folder: Path) -> None:
    made = contents(folder)
    read = configparser.ConfigParser()
    read.read_string(made["mlflow_credentials"])
    assert dict(read["mlflow"]) == {
        "mlflow_tracking_username": made["mlflow_htpasswd"].partition(":")[0],
        "mlflow_tracking_password": made["mlflow_password"],
    }


def test_redis_lets_in_one_user_alone(folder: Path) -> None:
    made = contents(folder)
    digest = hashlib.sha256(made["redis_password"].encode()).hexdigest()
    assert made["redis_users"].splitlines() == [
        "user default off",
        f"user lakehouse on #{digest} ~* &* +@all",
    ]


def test_a_second_run_keeps_passwords_and_a_deleted_one_is_renewed(folder: Path) -> None:
    first = contents(folder)
    make(folder)
    kept = contents(folder)
    assert {n: t for n, t in kept.items() if n != "mlflow_htpasswd"} == {
        n: t for n, t in first.items() if n != "mlflow_htpasswd"
    }
    (folder / "mlflow_password").unlink()
    make(folder)
    renewed = {name for name, text in contents(folder).items() if text != kept[name]}
    assert renewed == {"mlflow_password", "mlflow_htpasswd", "mlflow_credentials"}


def test_git_takes_nothing_of_the_folder() -> None:
    rules = (INFRA / "secrets" / ".gitignore").read_text().splitlines()
    assert [rule for rule in rules if not rule.startswith("#")] == ["*", "!.gitignore"]
