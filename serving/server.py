"""Starts the service: `lakehouse serve`, or `python -m serving.server --home DIR`."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from lakehouse.errors import LakehouseError
from lakehouse.records.online import from_environment
from serving.app import create_app
from serving.settings import HOST, PORT, Settings

IDLE_S = 75
"""Seconds an idle connection stays open, longer than clients usually keep one."""


def main(
    argv: Sequence[str] | None = None,
    *,
    home: Path | None = None,
    host: str = HOST,
    port: int = PORT,
    domains: tuple[str, ...] | None = None,
    log_features: float = 1.0,
) -> None:
    """Serve a lake until the process is told to end, by SIGTERM or Ctrl-C.

    With `home` the other arguments are the settings; without it they are read from `argv` and the
    environment. Where the online store is the environment says always. Raises LakehouseError if
    the address cannot be used.
    """
    if home is not None:
        kept = from_environment(os.environ)
        settings = Settings(Path(home), domains, host, port, log_features=log_features, online=kept)
    else:
        settings = Settings.read(sys.argv[1:] if argv is None else argv, os.environ)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    app = create_app(settings)
    listening = _listen(settings.host, settings.port)
    bound = listening.getsockname()[1]
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(f"Serving {settings.home} on http://{shown}:{bound} (docs at /docs).", flush=True)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=10,
        )
    )
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        pass  # Ctrl-C is how people end it
    finally:
        listening.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise LakehouseError(
            f"The service cannot listen on {host}, port {port} ({error.strerror}); name another "
            "with --port, or 0 for any free one."
        ) from error


if __name__ == "__main__":
    try:
        main()
    except LakehouseError as refusal:
        sys.exit(str(refusal))
