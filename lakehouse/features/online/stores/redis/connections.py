"""Connections to a Redis server, one for each thread, and changes that take effect whole."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import Any, TypeVar
from weakref import WeakSet

from lakehouse.features.online.stores.protocol import StoreUnreachable
from lakehouse.features.online.stores.redis.address import Address
from lakehouse.features.online.stores.redis.wire import Lost, Wire, command, unreachable

WAIT_S = 30
"""How long a writer goes on while others are in its way."""
_LONGEST_PAUSE_S = 0.02
_UNWATCH = command(b"UNWATCH")


T = TypeVar("T")


class Later(Exception):
    """What is in the way now will be gone in a moment."""


Decide = Callable[[Wire, list[Any]], Sequence[bytes]]
"""From what was read, the commands that change it; none if there is nothing to do."""


class _Here(threading.local):
    wire: Wire | None = None
    process = 0


class Connections:
    """A connection for each thread, opened when first needed."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._here = _Here()
        self._opened: WeakSet[Wire] = WeakSet()
        self._lock = threading.Lock()

    def ask(self, commands: bytes, replies: int) -> list[Any]:
        """Replies to commands that may be sent twice. Raises StoreUnreachable."""
        return self._repeated(lambda wire: wire.ask(commands, replies))

    def state(self, commands: bytes, replies: int) -> list[Any]:
        """Replies to questions, all of one state of the store."""
        found = self._repeated(lambda wire: wire.transact(commands, replies))
        assert found is not None  # nothing was watched
        return found

    def change(self, watched: Sequence[bytes], reads: Sequence[bytes], decide: Decide) -> list[Any]:
        """Change what was read if nothing came between, else read again; returns the replies.

        `reads` are questions that are answered once changes of the keys `watched` are noticed.
        `decide` may be called again, and raise `Later` to be called in a moment.
        """
        questions = b"".join([command(b"WATCH", *watched), *reads])
        deadline = monotonic() + WAIT_S
        pause = 0.0005
        while True:
            commands, wire = self._decided(questions, 1 + len(reads), decide)
            if commands is not None:
                if not commands:
                    return []
                found = self._made(wire, commands)
                if found is not None:
                    return found
            if monotonic() > deadline:
                raise StoreUnreachable(
                    f"The online store at {self.address}: other writers were in the way for "
                    f"{WAIT_S} s; start again."
                )
            sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            for wire in list(self._opened):
                wire.close()
            self._opened.clear()
            self._here = _Here()

    def _decided(
        self, questions: bytes, replies: int, decide: Decide
    ) -> tuple[Sequence[bytes] | None, Wire]:
        """What to do, and the connection that watches; None for what has to wait."""

        def decided(wire: Wire) -> tuple[Sequence[bytes] | None, Wire]:
            found = wire.ask(questions, replies)
            commands: Sequence[bytes] | None = ()
            try:
                commands = decide(wire, found[1:])
            except Later:
                commands = None
            finally:
                if not commands:
                    wire.ask(_UNWATCH, 1)
            return commands, wire

        return self._repeated(decided)

    def _made(self, wire: Wire, commands: Sequence[bytes]) -> list[Any] | None:
        try:
            return wire.transact(b"".join(commands), len(commands))
        except Lost as lost:
            raise StoreUnreachable(
                f"The online store at {self.address} was lost in the middle of a change ({lost}); "
                "make the same call again, and it ends as if there had been none."
            ) from lost

    def _repeated(self, use: Callable[[Wire], T]) -> T:
        """Use this thread's connection; a server may have closed one that was idle."""
        here = self._here
        process = os.getpid()
        if here.wire is not None and here.process == process:
            try:
                return use(here.wire)
            except Lost as lost:
                here.wire = None
                if lost.late:
                    raise unreachable(self.address, str(lost)) from lost
        here.wire, here.process = Wire(self.address), process
        with self._lock:
            self._opened.add(here.wire)
        try:
            return use(here.wire)
        except Lost as lost:
            here.wire = None
            raise unreachable(self.address, str(lost)) from lost
