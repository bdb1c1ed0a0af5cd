"""Sector systems of the kill test: what each hands over is made beforehand, so the right answer is known."""

import json
import random
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from ioc.clock import rfc3339
from ioc.model.case import Case
from ioc.model.reading import Reading

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
PAGE = PUSH = 500


@dataclass
class Plan:
    """Everything that will be handed over; times lie within the hour and a half before `now`. Without MQTT (`by_mqtt`)
    a gateway's readings are pushed."""

    now: datetime
    units: list[str]
    by_mqtt: bool = True
    seed: int = 7
    files: list[list[Reading]] = field(default_factory=list)
    polled: list[Reading] = field(default_factory=list)
    pushed: list[list[Reading]] = field(default_factory=list)
    published: list[Reading] = field(default_factory=list)
    versions: list[Case] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = random.Random(self.seed)
        begin = self.now - timedelta(minutes=90)
        self.files = [[self._air(rng, begin, n, row) for row in range(4000)] for n in range(24)]
        self.polled = [
            Reading(
                "traffic.speed",
                rng.choice(self.units),
                begin + timedelta(milliseconds=50 * n),
                rng.randrange(800) / 8,
                f"S{n % 7}",
            )
            for n in range(60_000)
        ]
        self.pushed = [
            [
                Reading("lgsp.transactions", rng.choice(self.units), self._moment(rng, begin), float(rng.randrange(9)))
                for _ in range(PUSH)
            ]
            for _ in range(80)
        ]
        self.published = [
            Reading(
                "lgsp.latency",
                self.units[n % len(self.units)],
                begin + timedelta(milliseconds=700 * n),
                rng.randrange(8000) / 8,
                f"G{n % 5}",
            )
            for n in range(4000)
        ]
        if not self.by_mqtt:
            gateway, self.published = self.published, []
            self.pushed += [gateway[first : first + PUSH] for first in range(0, len(gateway), PUSH)]
        self.versions = list(self._cases(rng, begin))

    def readings(self) -> Iterator[Reading]:
        for file in self.files:
            yield from file
        yield from self.polled
        for push in self.pushed:
            yield from push
        yield from self.published

    def _moment(self, rng: random.Random, begin: datetime) -> datetime:
        return begin + timedelta(milliseconds=rng.randrange(80 * 60 * 1000))

    def _air(self, rng: random.Random, begin: datetime, file: int, row: int) -> Reading:
        """A second apart for each station and file, so that no two have the same key."""
        time_of_row = begin.replace(microsecond=0) + timedelta(seconds=row)
        return Reading("air.pm25", rng.choice(self.units), time_of_row, rng.randrange(8000) / 8, f"AQ-{file:02}")

    def _cases(self, rng: random.Random, begin: datetime) -> Iterator[Case]:
        """2,000 dossiers in three versions each, updated in the order in which they are handed over."""
        for number in range(6000):
            case, version = number % 2000, number // 2000
            received = begin + timedelta(seconds=case)
            due = received + timedelta(hours=rng.choice((-1, 0.5, 48)))  # none falls due while the test runs
            closed = begin + timedelta(seconds=4000 + case / 2) if version == 2 and case % 4 else None
            yield Case(
                case_type="dossier",
                case_id=f"D-{case:05}",
                unit=self.units[case % len(self.units)],
                status=("received", "processing", "settled" if closed else "supplement")[version],
                channel="online" if case % 3 else "counter",
                received_at=received,
                due_at=due,
                closed_at=closed,
                updated_at=begin + timedelta(milliseconds=800 * number + 1),
            )


def csv_of(readings: list[Reading]) -> str:
    """As agencies write: a byte order mark, `;`, 1.234,5, dd/MM/yyyy in local time."""
    lines = ["\ufeffThời điểm;Mã xã;Trạm;PM2,5"]
    for reading in readings:
        value = f"{reading.value:,.3f}".replace(",", " ").replace(".", ",").replace(" ", ".")
        local = reading.time.astimezone(ZONE).strftime("%d/%m/%Y %H:%M:%S")
        lines.append(f"{local};{reading.unit};{reading.subject};{value}")
    return "\r\n".join(lines) + "\r\n"


def ndjson_of(readings: list[Reading]) -> bytes:
    rows = (
        {"measure": r.measure, "unit": r.unit, "subject": r.subject, "time": rfc3339(r.time), "value": r.value}
        for r in readings
    )
    return "\n".join(json.dumps(row) for row in rows).encode()


def case_json(case: Case) -> bytes:
    """A dossier as a push source takes it."""
    row = {"case_type": case.case_type, "case_id": case.case_id, "unit": case.unit, "status": case.status}
    times = {"received_at": rfc3339(case.received_at), "updated_at": rfc3339(case.updated_at)}
    return json.dumps({**row, **times, "channel": case.channel}).encode()


class SectorSystem:
    """A REST system whose records appear over `seconds`; meanwhile it answers 500 now and then."""

    def __init__(self, plan: Plan, seconds: float) -> None:
        self.rows = {
            "/readings": [
                {"at": rfc3339(r.time), "unit": r.unit, "value": r.value, "station": r.subject} for r in plan.polled
            ],
            "/cases": [_case_row(case) for case in plan.versions],
        }
        self._began = time.monotonic()
        self._seconds = seconds
        self._rng = random.Random(plan.seed)
        system = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = system.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, path: str) -> tuple[int, bytes]:
        split = urlsplit(path)
        query = parse_qs(split.query)
        rows = self.rows[split.path]
        share = min(1.0, (time.monotonic() - self._began) / self._seconds)
        if share < 1 and self._rng.random() < 0.05:
            return 500, b"<html>sorry</html>"
        since = datetime.fromisoformat(query["since"][0]) if "since" in query else datetime.min.replace(tzinfo=UTC)
        first = bisect_left(rows, since, key=lambda row: datetime.fromisoformat(row["at"]))
        first += (int(query.get("page", ["1"])[0]) - 1) * PAGE
        return 200, json.dumps({"items": rows[first : min(first + PAGE, int(len(rows) * share))]}).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def write_sources(directory: Path, address: str, mqtt_port: int | None) -> None:
    """Files of all sources; of MQTT's only with a port of its server."""
    directory.mkdir(parents=True, exist_ok=True)
    name = 'name = { vi = "Thử", en = "Trial" }\n'
    poll = """kind = "http_poll"
[poll]
url = "%s"
every = "300ms"
items = "items"
[poll.since]
field = "at"
overlap = "1s"
start = "1d"
[poll.paging]
kind = "page"
size = 500
size_parameter = "size"
"""
    (directory / "files.toml").write_text(
        name
        + """kind = "file_drop"
[file]
directory = "drop"
[mapping]
numbers = "vietnamese"
measure = { constant = "air.pm25" }
unit = "Mã xã"
subject = "Trạm"
time = { from = "Thời điểm", format = "dd/MM/yyyy HH:mm:ss" }
value = "PM2,5"
""",
        encoding="utf-8",
    )
    (directory / "polled.toml").write_text(
        name
        + poll % f"{address}/readings"
        + """[mapping]
measure = { constant = "traffic.speed" }
unit = "unit"
subject = "station"
time = "at"
value = "value"
""",
        encoding="utf-8",
    )
    (directory / "cases.toml").write_text(
        name
        + poll % f"{address}/cases"
        + """[mapping]
case_type = { constant = "dossier" }
case_id = "id"
unit = "unit"
status = "status"
channel = "channel"
received_at = "received"
due_at = "due"
closed_at = "closed"
updated_at = "at"
""",
        encoding="utf-8",
    )
    (directory / "pushed.toml").write_text(name + 'kind = "http_push"\n', encoding="utf-8")
    if mqtt_port is None:
        return
    (directory / "published.toml").write_text(
        name
        + f"""kind = "mqtt"
[mqtt]
host = "127.0.0.1"
port = {mqtt_port}
version = "5"
topic = "gateway/{{unit}}/{{measure}}/{{subject}}"
""",
        encoding="utf-8",
    )


def _case_row(case: Case) -> dict[str, Any]:
    return {
        "at": rfc3339(case.updated_at),
        "id": case.case_id,
        "unit": case.unit,
        "status": case.status,
        "channel": case.channel,
        "received": rfc3339(case.received_at),
        "due": rfc3339(case.due_at) if case.due_at else None,
        "closed": rfc3339(case.closed_at) if case.closed_at else None,
    }
