"""Start and stop the embedded broker: format its folder once, start Kafka, wait for its answer."""

from __future__ import annotations

import base64
import shutil
import socket
import struct
import subprocess
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from ioc.atomic_file import write_atomically
from ioc.broker.failure import explain
from ioc.broker.java import FEATURE_LEVELS, KafkaRuntime
from ioc.broker.locks import FolderInUse, PortClaim, folder_lock
from ioc.broker.ports import any_free, choose_port, is_free
from ioc.broker.properties import HOST, log_properties, meta_properties, server_properties
from ioc.broker.spawn import spawn_bound
from ioc.errors import IocError
from ioc.messages import Message

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0


class BrokerStartFailed(IocError):
    """The embedded broker did not start; the text says why, then its last log lines."""


class EmbeddedBroker:
    """One Kafka node on loopback; its data under `<data_dir>/kafka` is kept over restarts.

    `start` writes the address to `<data_dir>/kafka.address` and uses the same port next time if it is free; until
    `stop` no other embedded broker uses it. The broker's process ends with this one, also when this one is killed. It
    is in a session of its own, so that a Ctrl-C reaches it only through `stop`, after its clients. A folder in use is
    left untouched.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int = 9092,
        heap_mb: int = 320,
        runtime: KafkaRuntime | None = None,
        *,
        durable: bool = True,
        password: str = "",
    ) -> None:
        """Prepare a broker.

        Without `durable`, a loss of power may lose what was acknowledged: for tests, which need not wait for the disk.
        With a `password` clients must log in (ioc/broker/properties.py).
        """
        self._durable = durable
        self._password = password
        self._home = data_dir.resolve() / "kafka"
        self._address_file = data_dir.resolve() / "kafka.address"
        self._wanted_port = port
        self._heap_mb = heap_mb
        self._runtime = runtime or KafkaRuntime()
        self._process: subprocess.Popen[bytes] | None = None
        self._claim: PortClaim | None = None

    @property
    def pid(self) -> int:
        """The id of the broker's process."""
        return self._running().pid

    def start(self, *, record_start_cache: bool = False) -> str:
        """Start, wait for the first answer and return the bootstrap address. Raises BrokerStartFailed."""
        if not self._runtime.class_path():
            raise BrokerStartFailed(Message("kafka_jars_missing", folder=self._runtime.jars))
        try:
            with folder_lock(self._home) as held:
                port = self._write_settings()
                if not (self._home / "data" / "meta.properties").exists():
                    self._format(held)
                self._process = self._spawn(
                    ["kafka.Kafka", str(self._home / "server.properties")], held, record=record_start_cache
                )
        except FolderInUse:
            raise BrokerStartFailed(Message("kafka_other_broker", home=self._home)) from None
        except (OSError, ValueError) as error:
            raise BrokerStartFailed(Message("kafka_not_started", reason=error)) from error
        self._await_answer(port)
        address = f"{HOST}:{port}"
        write_atomically(self._address_file, address)
        return address

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Let the broker close its logs, and kill it after `timeout_s`. Harmless when it has ended."""
        if self._claim is not None:
            self._claim.release()
            self._claim = None
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait(self) -> int:
        """Block until the broker's process ends, and return its exit code, negative for a signal."""
        return self._running().wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the embedded broker has not been started")
        return self._process

    def _write_settings(self) -> int:
        known = self._address_file.read_text() if self._address_file.exists() else None
        port = choose_port(self._wanted_port, known, self._claim_port)
        settings = self._home / "server.properties"
        settings.touch(mode=0o600)
        settings.write_text(
            server_properties(
                log_dir=self._home / "data",
                port=port,
                controller_port=any_free(),
                durable=self._durable,
                password=self._password,
            )
        )
        (self._home / "log4j2.properties").write_text(log_properties(self._home / "broker.log"))
        return port

    def _claim_port(self, port: int) -> bool:
        """Claim a port that is free; False when it is not."""
        if not is_free(port):
            return False
        if self._claim is None or self._claim.port != port:
            claim = PortClaim.of(port)
            if claim is None:
                return False
            if self._claim is not None:
                self._claim.release()
            self._claim = claim
        return True

    def _format(self, held: int) -> None:
        """Format the folder from a recorded result; without one by Kafka's tool, which takes a second of two cores."""
        if self._runtime.features.exists():
            data = self._home / "data"
            (data / FEATURE_LEVELS).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._runtime.features, data / FEATURE_LEVELS)
            properties = meta_properties(cluster_id=_random_id(), directory_id=_random_id())
            write_atomically(data / "meta.properties", properties)  # last: with it the folder counts as formatted
            return
        tool = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", _random_id()]
        formatting = self._spawn([*tool, "-c", str(self._home / "server.properties")], held)
        if formatting.wait() != 0:
            raise BrokerStartFailed(Message.of(self._explain()))

    def _await_answer(self, port: int) -> None:
        process = self._running()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not answers(port):
            if process.poll() is not None:
                raise BrokerStartFailed(Message.of(self._explain()))
            if time.monotonic() > deadline:
                self.stop()
                raise BrokerStartFailed(
                    Message("kafka_start_slow", port=port, seconds=START_TIMEOUT_S, log=self._home / "broker.log")
                )
            time.sleep(0.02)

    def _explain(self) -> str:
        files = [self._home / "broker.log", self._home / "broker.out"]
        return explain(
            "".join(file.read_text(errors="replace") for file in files if file.exists()), self._home / "data"
        )

    def _spawn(self, main: list[str], held: int, *, record: bool = False) -> subprocess.Popen[bytes]:
        command = self._runtime.command(
            main, heap_mb=self._heap_mb, log_settings=self._home / "log4j2.properties", record=record
        )
        (self._home / "broker.log").unlink(missing_ok=True)
        return spawn_bound(command, self._home / "broker.out", held)


def _random_id() -> str:
    """Return 22 random characters, the first one not a hyphen, which the tool would read as an option."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


def answers(port: int, timeout_s: float = 2.0) -> bool:
    """Whether a Kafka broker on this port of loopback answers an ApiVersions request (key 18, version 0)."""
    request = struct.pack(">hhih", 18, 0, 1, -1)
    try:
        with socket.create_connection((HOST, port), timeout=timeout_s) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            return len(connection.recv(4)) == 4
    except OSError:
        return False
