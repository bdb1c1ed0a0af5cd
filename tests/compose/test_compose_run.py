"""docker-compose.yml as shipped, run for real: every service healthy, a push applied, a restart of each survived.

Needs root, Debian's docker.io, docker-compose and debootstrap, and takes some minutes (`make soak`). Images are kept
in `.build/compose` for the next run.
"""

from __future__ import annotations

import json
import secrets
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from setup.jars import JARS
from tests.compose.engine import Engine, missing
from tests.compose.images import REPOSITORY, make_images

pytestmark = [pytest.mark.soak, pytest.mark.skipif(bool(missing()), reason=missing() or "an engine can be started")]

ADDRESS = "http://127.0.0.1:8080"
SERVICES = ("kafka", "serve", "lab", "streams", "connect")
HEALTHY_WITHIN_S = 180.0
APPLIED_WITHIN_S = 60.0
SOURCE = 'kind = "http_push"\nname = { vi = "Thử", en = "Trial" }\n'


@dataclass
class Centre:
    engine: Engine
    folder: Path
    variables: dict[str, str]
    sent: int = 0

    def compose(self, *arguments: str, timeout_s: float = 300.0) -> str:
        return self.engine.compose(*arguments, variables=self.variables, cwd=self.folder, timeout_s=timeout_s)

    def states(self) -> dict[str, str]:
        """Health by container name; "no container" is absent."""
        containers = self.compose("ps", "--quiet").split()
        found = json.loads(self.engine.docker("inspect", *containers)) if containers else []
        return {
            one["Name"].lstrip("/"): one["State"].get("Health", {}).get("Status", one["State"]["Status"])
            for one in found
        }

    def await_healthy(self) -> None:
        deadline = time.monotonic() + HEALTHY_WITHIN_S
        states: dict[str, str] = {}
        while time.monotonic() < deadline:
            states = {name: state for name, state in self.states().items() if "topics" not in name}
            if len(states) == len(SERVICES) + 1 and set(states.values()) == {"healthy"}:  # streams runs twice
                return
            time.sleep(2)
        raise AssertionError(f"{states}\n{self.compose('logs', '--tail', '20')}")

    def ask(self, path: str, token: str, body: bytes | None = None) -> tuple[int, dict[str, object]]:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(ADDRESS + path, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read() or b"{}")
        except OSError:
            return 0, {}

    def push_one(self) -> None:
        """Push one reading, again until it is taken; the same key each time, so that it counts once."""
        now = datetime.now(UTC).isoformat()
        reading = {"measure": "air.pm25", "unit": self._commune(), "time": now, "value": 31.5, "subject": "AQ-01"}
        token = self.compose("exec", "-T", "serve", "ioc", "source", "token", "trial").split()[-1]
        deadline = time.monotonic() + APPLIED_WITHIN_S
        while True:
            status, answer = self.ask("/api/v1/ingest/trial", token, json.dumps([reading]).encode())
            if status == 202:
                assert answer["rejected"] == []
                self.sent += 1
                return
            assert time.monotonic() < deadline, (status, answer)
            time.sleep(1)

    def await_applied(self) -> None:
        deadline = time.monotonic() + APPLIED_WITHIN_S
        account: dict[str, object] = {}
        while time.monotonic() < deadline:
            _, ledger = self.ask("/api/v1/ledger", self.variables["IOC_ADMIN_TOKEN"])
            accounts = {one["source"]: one for one in ledger.get("sources", [])}  # type: ignore[attr-defined]
            account = accounts.get("trial", {})
            if account.get("applied") == self.sent and ledger["balanced"]:
                return
            time.sleep(1)
        raise AssertionError(f"{self.sent} sent, ledger says {account}")

    def _commune(self) -> str:
        rows = (REPOSITORY / "ioc/catalog/units.csv").read_text().splitlines()
        return next(row.split(",")[0] for row in rows if f",{self.variables['IOC_PROVINCE']}," in row)


@pytest.fixture(scope="module")
def centre() -> Iterator[Centre]:
    build = REPOSITORY / ".build" / "compose"
    folder = build / "centre"
    variables = {
        "IOC_PROVINCE": "48",
        "IOC_ADMIN_TOKEN": secrets.token_hex(24),
        "IOC_KAFKA_PASSWORD": secrets.token_hex(24),
    }
    with Engine(build) as engine:
        make_images(engine, build, JARS)
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "sources").mkdir(parents=True)
        (folder / "catalog").mkdir()
        for part in (folder, folder / "sources", folder / "catalog"):
            part.chmod(0o755)
        (folder / "sources" / "trial.toml").write_text(SOURCE)
        (folder / "sources" / "trial.toml").chmod(0o644)
        shutil.copyfile(REPOSITORY / "docker-compose.yml", folder / "docker-compose.yml")
        found = Centre(engine, folder, variables)
        try:
            found.compose("up", "--detach", "--no-build")
            yield found
        finally:
            (build / "containers.log").write_text(found.compose("logs", "--no-color"))
            found.compose("down", "--volumes", "--remove-orphans")


def test_every_service_comes_up_healthy_and_a_push_is_applied(centre: Centre) -> None:
    centre.await_healthy()
    centre.push_one()
    centre.await_applied()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_killed_comes_back_and_the_next_push_is_applied(centre: Centre, service: str) -> None:
    centre.compose("kill", "--signal", "SIGKILL", service)
    centre.compose("start", service)
    centre.await_healthy()
    centre.push_one()
    centre.await_applied()


def test_kafka_refuses_a_client_without_the_password(centre: Centre) -> None:
    client = "from kafka import KafkaConsumer; KafkaConsumer(bootstrap_servers='kafka:9092', bootstrap_timeout_ms=4000)"
    assert "ioc.readings.v1" in centre.compose("exec", "-T", "serve", "ioc", "topics")
    with pytest.raises(RuntimeError, match=r"KafkaTimeoutError|KafkaConnectionError|NoBrokersAvailable|bootstrap"):
        centre.compose("exec", "-T", "serve", "python", "-c", f"{client}.topics()")


def test_the_lab_answers_behind_the_server(centre: Centre) -> None:
    body = json.dumps({"sql": "SELECT 42 AS answer"}).encode()
    status, answer = centre.ask("/api/v1/sql", centre.variables["IOC_ADMIN_TOKEN"], body)
    assert status == 200, answer
    assert "42" in json.dumps(answer)
