"""The lab's handle on one person's Quack server process: start, send, watch, end. `server_process.py` runs in it."""

import asyncio
import os
import secrets
import shutil
import socket
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from ioc.errors import IocError
from ioc.lab.processor_time import processor_s, within
from ioc.messages import Message
from ioc.supervisor.child_processes import die_with_parent

_START_WITHIN_S = 20.0
_HEAD = "POST /quack HTTP/1.1\r\nHost: lab\r\nConnection: close\r\nContent-Length: {}\r\n\r\n"
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class ProcessGone(IocError):
    """The process ended or could not be started; the text says why, as far as known."""


@dataclass(frozen=True)
class QuackLimits:
    """Limits of one statement.

    `seconds` of processor time per answer, `bytes` for the whole result. `memory_mb` is DuckDB's own limit; the
    process is killed at twice that.
    """

    seconds: float = 30.0
    memory_mb: int = 256
    bytes: int = 256 << 20


class QuackProcess:
    """A server process on a loopback port that answers only to its secret, which never leaves the lab."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, secret: str, lab: Path, folder: Path) -> None:
        self._process = process
        self.port = port
        self._folder = folder
        self.secret = secret
        self.lab = lab

    @classmethod
    async def start(cls, lab: Path, minutes: Path, zone: str, limits: QuackLimits) -> "QuackProcess":
        """Start a process over the published `lab` file and the day files in `minutes`.

        Raises ProcessGone.
        """
        folder = Path(tempfile.mkdtemp(prefix="ioc-quack-"))
        secret, port = secrets.token_urlsafe(32), _free_port()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ioc.lab.quack.server_process",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            preexec_fn=die_with_parent,
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(folder),
                "LANG": "C.UTF-8",
                "MALLOC_ARENA_MAX": "2",
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
        )
        started = cls(process, port, secret, lab, folder)
        order = {
            "lab": str(lab),
            "minutes": str(minutes),
            "folder": str(folder),
            "zone": zone,
            "port": port,
            "secret": secret,
            "memory_mb": limits.memory_mb,
        }
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(orjson.dumps(order) + b"\n")
            await process.stdin.drain()
            said = await within(_START_WITHIN_S, started._processor_s, process.stdout.readline())
        except (TimeoutError, OSError):
            said = b""
        except BaseException:
            await started.end()
            raise
        if said != b"ready\n":
            await started.end()
            raise ProcessGone(Message("quack_not_started", reason=said.decode().strip() or "it ended"))
        return started

    async def ask(self, message: bytes, within_s: float) -> bytes:
        """Send a message and return the answer.

        `within_s` is processor time of the process. Raises TimeoutError, with the limit in its text, and
        ProcessGone.
        """
        try:
            return await within(within_s, self._processor_s, self._asked(message))
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as fault:
            if isinstance(fault, TimeoutError):
                raise
            raise ProcessGone(Message("quack_ended")) from fault

    async def _asked(self, message: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(_HEAD.format(len(message)).encode() + message)
            await writer.drain()
            return await _body(reader)
        finally:
            writer.close()

    def _processor_s(self) -> float | None:
        return processor_s(self._process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.returncode is not None

    def resident_bytes(self) -> int:
        """Return its resident memory; 0 when it has ended."""
        try:
            return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) * _PAGE_BYTES
        except (OSError, IndexError):
            return 0

    async def end(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await (
            self._process.communicate()
        )  # read its pipes to the end, so that nothing of them is left to the event loop
        shutil.rmtree(self._folder, ignore_errors=True)


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    if head[0].split(" ")[1:2] != ["200"]:
        raise ValueError(head[0])
    lengths = [line.partition(":")[2] for line in head if line.lower().startswith("content-length:")]
    return await reader.readexactly(int(lengths[0]) if lengths else 0)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
