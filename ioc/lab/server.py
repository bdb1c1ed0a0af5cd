"""Serve the lab's app with uvicorn on a unix socket that only this user can reach."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from ioc.errors import ConfigurationInvalid
from ioc.messages import Message

_STOP_WITHIN_S = 1


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to `serve`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(path: Path) -> socket.socket:
    """Listen on a unix socket, replacing one that a killed lab left.

    Raises ConfigurationInvalid.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.unlink(missing_ok=True)
        listener.bind(str(aside))
        aside.chmod(0o600)
        listener.listen(512)
        aside.rename(path)
    except OSError as fault:
        listener.close()
        raise ConfigurationInvalid(Message("cannot_serve_at", path=path, reason=fault.strerror or fault)) from fault
    return listener


def configured(app: ASGIApp) -> uvicorn.Server:
    """Return the server, for `run(sockets=[listen(...)])`."""
    return _Server(
        uvicorn.Config(
            app,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_STOP_WITHIN_S,
        )
    )


def serve(app: ASGIApp, path: Path) -> None:
    """Serve until SIGINT or SIGTERM. Must run in the main thread."""
    listener = listen(path)
    server = configured(app)

    def stop(_signal: int, _frame: object) -> None:
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        server.run(sockets=[listener])
    finally:
        path.unlink(missing_ok=True)
