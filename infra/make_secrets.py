"""Make the secrets that compose.yml and the Kubernetes manifests name, as files in a folder.

    python3 infra/make_secrets.py [FOLDER]      default: infra/secrets

A password that is there stays as it is: to renew one delete its file and run this again
(docs/how-to/deploy.md). What is derived from passwords is written anew each time. No secret is
printed. The folder is closed to other users; its files can be read by all, because each container
that is handed one runs as a user of its own.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

USER = "lakehouse"
PASSWORDS = ("postgres_password", "mlflow_password", "redis_password", "spark_password")


def derived(passwords: Mapping[str, str]) -> dict[str, str]:
    """Return the files that servers and clients read, by name, each a function of a password."""
    mlflow, redis = passwords["mlflow_password"], passwords["redis_password"]
    return {
        # what the proxy compares with
        "mlflow_htpasswd": f"{USER}:{salted(mlflow)}\n",
        # what MLflow's clients read as ~/.mlflow/credentials
        "mlflow_credentials": (
            f"[mlflow]\nmlflow_tracking_username = {USER}\nmlflow_tracking_password = {mlflow}\n"
        ),
        # one user, and nobody without a name
        "redis_users": (
            f"user default off\nuser {USER} on #{hashlib.sha256(redis.encode()).hexdigest()} "
            "~* &* +@all\n"
        ),
        # master, workers, Connect and drivers know one another by it
        "spark_defaults.conf": (
            "spark.authenticate true\n"
            f"spark.authenticate.secret {passwords['spark_password']}\n"
            "spark.network.crypto.enabled true\n"
        ),
    }


def salted(password: str) -> str:
    """Return nginx's {SSHA} of a password: its salted SHA-1 digest.

    A quick digest is enough for 256 random bits, and it is taken at every request.
    """
    salt = secrets.token_bytes(8)
    digest = hashlib.sha1(password.encode() + salt, usedforsecurity=False).digest()
    return "{SSHA}" + base64.b64encode(digest + salt).decode()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    passwords = {}
    for name in PASSWORDS:
        path = folder / name
        if not path.exists():
            # 256 random bits in digits that no shell, address or INI file reads as its own
            write(path, secrets.token_hex(32))
        passwords[name] = path.read_text().strip()
        if not passwords[name]:
            sys.exit(f"{path} is empty; delete it and run this again.")
    for name, text in derived(passwords).items():
        write(folder / name, text)
    print(f"{len(PASSWORDS)} passwords and what is derived from them are in {folder}.")


def write(path: Path, text: str) -> None:
    """Write a file in one step, so that a container never reads half of it."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.chmod(0o444)
    os.replace(new, path)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "secrets")
