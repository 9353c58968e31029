"""Where a Redis server is, read from a URL."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from lakehouse.features.online.stores.protocol import StoreUnreachable

CONNECT_S, ANSWER_S = 2.0, 10.0
_OPTIONS = (
    "db",
    "username",
    "password",
    "password_file",
    "socket_connect_timeout",
    "socket_timeout",
    "ssl_ca_certs",
    "ssl_certfile",
    "ssl_keyfile",
)
_FORMS = "redis://[user:password@]host:6379/0, rediss://… for TLS, or unix:///path/of/the.socket"


@dataclass(frozen=True)
class Address:
    """A server, one of its databases, and who asks it.

    Written as a URL, `redis://user:password@host:6379/0`, `rediss://` for TLS or `unix://` with a
    socket's path, it takes the options `db`, `username`, `password`, `password_file` (read at
    each connection), `socket_connect_timeout` and `socket_timeout` in seconds, `ssl_ca_certs`,
    `ssl_certfile` and `ssl_keyfile`. Its text never holds a password.

    >>> print(Address.parse("redis://me:secret@cache:6380/2"))
    redis://cache:6380/2
    >>> Address.parse("cache:6380")
    Traceback (most recent call last):
    lakehouse.features.online.stores.protocol.StoreUnreachable: LAKEHOUSE_ONLINE_URL is ...
    """

    host: str
    port: int = 6379
    database: int = 0
    socket_path: str | None = None
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    password_file: str | None = None
    connect_s: float = CONNECT_S
    answer_s: float = ANSWER_S
    ca_certs: str | None = None
    certfile: str | None = None
    keyfile: str | None = None

    @staticmethod
    def parse(url: str) -> Address:
        """The address a URL names; raises StoreUnreachable, without the URL, if it names none."""
        try:
            return _parsed(urlsplit(url))
        except ValueError:
            pass  # what it says may quote the password
        raise StoreUnreachable(
            f"LAKEHOUSE_ONLINE_URL is no address of a Redis server; write {_FORMS}, with options "
            f"among {', '.join(_OPTIONS)}."
        )

    def __str__(self) -> str:
        if self.socket_path is not None:
            return f"unix://{self.socket_path}?db={self.database}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"redis{'s' if self.tls else ''}://{host}:{self.port}/{self.database}"

    def secret(self) -> str | None:
        """The password, from its file if it is in one."""
        if self.password_file is None:
            return self.password
        try:
            return Path(self.password_file).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise StoreUnreachable(
                f"The password of the online store at {self} cannot be read from "
                f"{self.password_file} ({type(error).__name__}); put it there."
            ) from error

    def tls_context(self) -> ssl.SSLContext:
        """How the server's certificate is checked, and ours shown."""
        try:
            context = ssl.create_default_context(cafile=self.ca_certs)
            if self.certfile is not None:
                context.load_cert_chain(self.certfile, self.keyfile)
        except OSError as error:
            raise StoreUnreachable(
                f"The certificates for the online store at {self} cannot be read "
                f"({type(error).__name__}); correct ssl_ca_certs, ssl_certfile and ssl_keyfile in "
                "LAKEHOUSE_ONLINE_URL."
            ) from error
        return context


def _parsed(url: SplitResult) -> Address:
    options = dict(parse_qsl(url.query, strict_parsing=bool(url.query)))
    if url.scheme not in ("redis", "rediss", "unix") or set(options) - set(_OPTIONS):
        raise ValueError
    is_socket = url.scheme == "unix"
    if (is_socket and not url.path) or (not is_socket and not url.hostname):
        raise ValueError
    database = options.get("db") or ("" if is_socket else url.path.strip("/")) or "0"
    if not database.isdecimal():
        raise ValueError
    return Address(
        url.hostname or "",
        url.port or 6379,
        int(database),
        unquote(url.path) if is_socket else None,
        url.scheme == "rediss",
        unquote(url.username or "") or options.get("username"),
        unquote(url.password or "") or options.get("password"),
        options.get("password_file"),
        _seconds(options.get("socket_connect_timeout"), CONNECT_S),
        _seconds(options.get("socket_timeout"), ANSWER_S),
        options.get("ssl_ca_certs"),
        options.get("ssl_certfile"),
        options.get("ssl_keyfile"),
    )


def _seconds(text: str | None, otherwise: float) -> float:
    found = otherwise if text is None else float(text)
    if not 0 < found < 86_400:
        raise ValueError
    return found
