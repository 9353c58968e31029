"""One connection to a Redis server: commands written together, answers read together.

hiredis reads the answers. A client of more comfort spends several times as long on a command as
the server does, and a read of the online store is a handful of commands
(docs/decisions/0014-redis-by-plain-commands.md).
"""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import hiredis

from lakehouse.features.online.stores.protocol import StoreUnreachable
from lakehouse.features.online.stores.redis.address import Address

_AT_ONCE = 65_536
_NOTHING = object()
_MULTI, _EXEC = b"*1\r\n$5\r\nMULTI\r\n", b"*1\r\n$4\r\nEXEC\r\n"
_pack: Any = hiredis.pack_command
_REFUSED = ("NOAUTH", "WRONGPASS", "NOPERM", "ERR AUTH", "ERR Client sent AUTH")


def command(*parts: bytes) -> bytes:
    """One command as it is sent.

    >>> command(b"GET", b"key")
    b'*2\\r\\n$3\\r\\nGET\\r\\n$3\\r\\nkey\\r\\n'
    """
    packed: bytes = _pack(parts)
    return packed


class Lost(Exception):
    """The connection broke; `late` if the server took too long to answer."""

    def __init__(self, why: str, late: bool = False) -> None:
        super().__init__(why)
        self.late = late


class Wire:
    """An open connection, logged in, with its database selected. For one thread."""

    def __init__(self, address: Address) -> None:
        """Connect; raises StoreUnreachable."""
        self._address = address
        self._reader = hiredis.Reader(notEnoughData=_NOTHING)
        self._buffer = bytearray(_AT_ONCE)
        try:
            self._socket = _connected(address)
        except OSError as error:
            raise unreachable(address, _why(error)) from error
        try:
            self._log_in()
        except Lost as lost:
            raise unreachable(address, str(lost)) from lost
        except BaseException:
            self.close()
            raise

    def ask(self, commands: bytes, replies: int) -> list[Any]:
        """Send commands, and return so many replies.

        Raises Lost, after which the connection is closed, and StoreUnreachable for what the
        server refuses.
        """
        found = self._replies(commands, replies)
        for reply in found:
            if isinstance(reply, hiredis.ReplyError):
                raise self._refusal(reply)
        return found

    def transact(self, commands: bytes, replies: int) -> list[Any] | None:
        """The same for commands of which nobody sees only some; None if a watched key changed."""
        found = self._replies(_MULTI + commands + _EXEC, replies + 2)
        of_all = found[-1]
        if of_all is None:
            return None
        if isinstance(
            of_all, hiredis.ReplyError
        ):  # one was refused, and so all: the first says why
            errors = [reply for reply in found if isinstance(reply, hiredis.ReplyError)]
            raise self._refusal(errors[0])
        answers: list[Any] = of_all
        for reply in answers:
            if isinstance(reply, hiredis.ReplyError):
                raise self._refusal(reply)
        return answers

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()

    def __del__(self) -> None:
        if hasattr(self, "_socket"):
            self.close()

    def _replies(self, commands: bytes, replies: int) -> list[Any]:
        gets = self._reader.gets
        found: list[Any] = []
        try:
            self._socket.sendall(commands)
            while len(found) < replies:
                reply = gets()
                if reply is not _NOTHING:
                    found.append(reply)
                    continue
                size = self._socket.recv_into(self._buffer)
                if not size:
                    raise ConnectionResetError("the server closed the connection")
                self._reader.feed(self._buffer, 0, size)  # type: ignore[arg-type]
        except (OSError, hiredis.ProtocolError) as error:
            self.close()
            raise Lost(_why(error), isinstance(error, TimeoutError)) from error
        except BaseException:  # what was not read yet would be taken for a later answer
            self.close()
            raise
        return found

    def _refusal(self, error: hiredis.ReplyError) -> StoreUnreachable:
        said = str(error)
        if said.startswith(_REFUSED):
            return StoreUnreachable(
                f"The online store at {self._address} refused its user: {said} "
                "Correct the user's name, password or rights in LAKEHOUSE_ONLINE_URL."
            )
        if said.startswith("OOM"):
            return StoreUnreachable(
                f"The online store at {self._address} is full; give the server more memory "
                "(maxmemory), or keep less of the past (LAKEHOUSE_ONLINE_KEEP)."
            )
        return StoreUnreachable(
            f"The online store at {self._address} refused a command: {said}. Ask again when the "
            "server is well."
        )

    def _log_in(self) -> None:
        address, hello = self._address, []
        secret = address.secret()
        if secret is not None:
            user = [] if address.username is None else [address.username.encode()]
            hello.append(command(b"AUTH", *user, secret.encode()))
        if address.database:
            hello.append(command(b"SELECT", b"%d" % address.database))
        self.ask(b"".join([*hello, command(b"PING")]), len(hello) + 1)


def unreachable(address: Address, why: str) -> StoreUnreachable:
    """The error of a server that does not answer."""
    return StoreUnreachable(
        f"The online store at {address} cannot be reached ({why}); start the server, or correct "
        "LAKEHOUSE_ONLINE_URL."
    )


def _connected(address: Address) -> socket.socket:
    if address.socket_path is not None:
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        plain.settimeout(address.connect_s)
        try:
            plain.connect(address.socket_path)
        except BaseException:
            plain.close()
            raise
    else:
        plain = socket.create_connection((address.host, address.port), address.connect_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    opened = plain
    try:
        if address.tls:
            opened = address.tls_context().wrap_socket(plain, server_hostname=address.host)
        opened.settimeout(address.answer_s)
    except BaseException:
        plain.close()
        raise
    return opened


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
