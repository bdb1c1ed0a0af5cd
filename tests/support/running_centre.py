"""A centre that really runs: `ioc up` with broker, server, workers and connectors, in a directory of its own."""

import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

REPOSITORY = Path(__file__).parents[2]
# One for all requests: to make it takes a tenth of a second of processor time, which would count as the centre's.
_TLS = ssl.create_default_context()


def free_port() -> int:
    """One of this test process's own thousand, below those that the system gives to connections: between asking and
    listening nobody else takes it."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 10
    for port in random.sample(range(20_000 + 1_000 * worker, 21_000 + 1_000 * worker), 1_000):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def wait_for(what: str, holds: Callable[[], Any], timeout_s: float = 60, every_s: float = 0.1) -> Any:
    """What `holds` gives once it is true; a fault of the connection counts as not yet."""
    deadline = time.monotonic() + timeout_s
    last: object = None
    while time.monotonic() < deadline:
        try:
            last = holds()
            if last:
                return last
        except (httpx.HTTPError, OSError) as fault:
            last = fault
        time.sleep(every_s)
    raise AssertionError(f"{what} did not come about within {timeout_s:.0f} s; last seen: {last!r}")


@dataclass
class RunningCentre:
    """`ioc up` as a process; its parts are found among its descendants by their names."""

    data_dir: Path
    arguments: tuple[str, ...] = ("--no-demo", "--no-broker-password", "--workers", "2")
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def kafka(self) -> str:
        return (self.data_dir / "kafka.address").read_text().strip()

    def start(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "IOC_DATA_DIR": str(self.data_dir),
            "IOC_HTTP_PORT": str(self.port),
            "IOC_ANONYMOUS": "viewer",
            **self.environment,
        }
        for name in ("IOC_KAFKA", "IOC_ADMIN_TOKEN"):
            environment.pop(name, None)
        with (self.data_dir / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ioc", "up", *self.arguments],
                cwd=REPOSITORY,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for("the API", lambda: httpx.get(f"{self.address}/healthz", timeout=2, verify=_TLS).status_code == 200, 90)

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def processes(self, part: str) -> list[psutil.Process]:
        """Processes of a part: broker, serve, connect, demo, lab, or worker (each stream worker)."""
        assert self.process is not None
        if part == "worker":
            return [child for parent in self.processes("streams") for child in _living(parent)]
        return [child for child in _living(psutil.Process(self.process.pid)) if _is(child, part)]

    def kill(self, part: str, which: int = 0) -> int:
        """SIGKILL to the part's process; its pid. A part that is just being started again is waited for."""
        running = wait_for(f"a process of {part}", lambda: self.processes(part), 30)
        victim = running[which % len(running)]
        victim.kill()
        return int(victim.pid)

    def get(self, path: str, *, admin: bool = False, **query: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.admin_token()}"} if admin else {}
        answer = httpx.get(f"{self.address}{path}", params=query, headers=headers, timeout=30, verify=_TLS)
        answer.raise_for_status()
        return answer.json()

    def kpi(self, kpi: str, unit: str) -> dict[str, Any]:
        values = self.get("/api/v1/kpis", kpi=kpi, unit=unit)["kpis"]
        return dict(values[0]) if values else {}

    def has_live_values(self) -> bool:
        return any(kpi["freshness"] == "live" for kpi in self.get("/api/v1/kpis")["kpis"])

    def ledger(self) -> dict[str, Any]:
        return dict(self.get("/api/v1/ledger"))

    def admin_token(self) -> str:
        return (self.data_dir / "admin.token").read_text().strip()

    def source_token(self, source: str) -> str:
        from ioc.settings import secret_file

        return secret_file(self.data_dir / "tokens" / f"{source}.token")

    def push(self, source: str, content: bytes, content_type: str, key: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.source_token(source)}", "Content-Type": content_type}
        if key:
            headers["Idempotency-Key"] = key
        return httpx.post(
            f"{self.address}/api/v1/ingest/{source}", content=content, headers=headers, timeout=30, verify=_TLS
        )

    def memory_mb(self) -> float:
        """Unique and shared memory (PSS) of `ioc up` and all its descendants."""
        assert self.process is not None
        root = psutil.Process(self.process.pid)
        return sum(p.memory_full_info().pss for p in [root, *root.children(recursive=True)]) / 1e6

    def cpu_s(self) -> float:
        """Processor seconds that `ioc up` and its living descendants have used."""
        assert self.process is not None
        root = psutil.Process(self.process.pid)
        return sum(sum(p.cpu_times()[:2]) for p in [root, *root.children(recursive=True)])


def _living(process: psutil.Process) -> list[psutil.Process]:
    """All below it."""
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


def _is(process: psutil.Process, part: str) -> bool:
    with suppress(psutil.Error):
        if part == "broker":
            return "kafka.Kafka" in process.cmdline()
        return process.name() == f"ioc {part}" and process.status() != psutil.STATUS_ZOMBIE
    return False


@contextmanager
def running_centre(data_dir: Path, **options: Any) -> Iterator[RunningCentre]:
    centre = RunningCentre(data_dir, **options)
    try:
        centre.start()
        yield centre
    finally:
        centre.stop()
