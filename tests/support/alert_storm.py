"""A storm of alerts in a large province: real store, evaluation, service, hub and server, in one process."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
from websockets.sync.client import connect

from ioc.alert_service.kpi_history import KpiHistory
from ioc.api import create_app
from ioc.api.server import configured
from ioc.catalog import load
from ioc.clock import FixedClock, to_ms
from ioc.evaluation import Changes, Evaluator
from ioc.http_listener import listen
from ioc.model.reading import Reading
from ioc.model.unit import UnitLevel
from ioc.server.alert_loop import AlertInputs, AlertLoop, AlertOutputs
from ioc.settings import VIETNAM
from ioc.store import Store, apply_panes
from ioc.wire.schemas import readings_batch
from streams.reduce import reduce
from tests.support.fake_centre import ADMIN, FakeParts

PROVINCE = "79"  # 168 communes
RULES = 30
NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
AS_ADMIN = {"Authorization": f"Bearer {ADMIN}"}


def definitions() -> str:
    """A measure, a KPI and a rule each, of every commune."""
    text = '[sector]\nid = "storm"\nname = { vi = "Bão", en = "Storm" }\norder = 900\n'
    for number in range(RULES):
        names = f'name = {{ vi = "Trạm {number}", en = "Station {number}" }}\nunit_of_measure = "m"\n'
        text += f'[[measure]]\nid = "storm.m{number}"\n{names}kind = "gauge"\n'
        text += f'[[kpi]]\nid = "storm.k{number}"\n{names}window = "now"\nbasis = "b"\nfresh_within = "1h"\n'
        text += f'aggregate = {{ measure = "storm.m{number}", take = "last" }}\n'
        text += f'[[rule]]\nid = "storm-{number}"\nname = {{ vi = "Trạm {number}", en = "Station {number}" }}\n'
        text += f'kpi = "storm.k{number}"\nunits = "communes"\nfires_above = 5\nseverity = "high"\n'
    return text


@dataclass
class Screen:
    """A websocket client that keeps what it is told of alerts."""

    port: int
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    messages: int = 0

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def await_rows(self, met: Any, within_s: float = 20) -> bool:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if met(dict(self.rows)):
                return True
            time.sleep(0.02)
        return False

    def close(self) -> None:
        self._stopping.set()
        self._thread.join(5)

    def _listen(self) -> None:
        with connect(f"ws://127.0.0.1:{self.port}/ws/v1?topics=alerts", max_size=None) as socket:
            while not self._stopping.is_set():
                try:
                    message = json.loads(socket.recv(timeout=0.2))
                except TimeoutError:
                    continue
                self.messages += "alerts" in message
                rows = dict(self.rows) if message["type"] != "snap" else {}
                for row in message.get("alerts", ()):
                    rows[row["id"]] = row
                self.rows = {name: row for name, row in rows.items() if not row.get("removed")}


class StormCentre:
    """`pass_on` lets time go on by some seconds, with readings that came in them, evaluated and ticked."""

    def __init__(self, folder: Path) -> None:
        self.clock = FixedClock(NOW)
        (folder / "catalog").mkdir(parents=True)
        (folder / "catalog" / "storm.toml").write_text(definitions(), encoding="utf-8")
        self.catalog = load(PROVINCE, folder / "catalog")
        self.store = Store.open(folder / "ioc.duckdb", folder / "archive", zone=VIETNAM)
        self.parts = FakeParts(folder, clock=self.clock, catalog=self.catalog)
        self.parts.store = cast(Any, self.store)
        self.parts.duckdb = cast(Any, self.store)
        self.service = self.parts.alerting.service
        self.evaluator = Evaluator(self.catalog, self.store, VIETNAM)
        past = KpiHistory(self.store, VIETNAM)
        self.alerting = AlertLoop(
            self.service,
            AlertInputs(self.evaluator.published, lambda _: {}, past),
            AlertOutputs(self.parts.hub, lambda _: None, lambda _: None),
            self.clock,
        )
        units = self.catalog.vocabulary.units.values()
        communes = [unit.code for unit in units if unit.level is UnitLevel.COMMUNE]
        self.places = [(f"storm.m{number}", commune) for commune in communes for number in range(RULES)]

    def pass_on(self, seconds: float, places: list[tuple[str, str]] | None = None, value: float = 9.0) -> float:
        """Processor time of evaluation and tick, in seconds."""
        self.clock.moment += timedelta(seconds=seconds)
        now = self.clock.moment
        changes = Changes()
        if places:
            readings = [Reading(measure, unit, now, value) for measure, unit in places]
            reduced = reduce(readings_batch(readings), self.catalog.vocabulary, to_ms(now))
            changes = Changes.of([apply_panes(self.store, reduced.panes)])
        began_s = time.thread_time()
        self.evaluator.evaluate(changes, now)
        self.alerting.tick()
        return time.thread_time() - began_s

    @contextmanager
    def served(self) -> Iterator[int]:
        """The port of a running server."""
        listener = listen("127.0.0.1", 0)
        server = configured(create_app(self.parts.centre()))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(10)

    def ask(self, port: int, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(
            method, f"http://127.0.0.1:{port}/api/v1/{path}", json=body, headers=AS_ADMIN, timeout=60
        )
        assert answer.status_code == 200, answer.text
        return answer.json()
