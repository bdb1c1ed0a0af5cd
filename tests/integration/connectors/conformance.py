"""What every kind of connector promises, over its real protocol and a real broker."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.integration.connectors.systems import Record, SectorSystem
from tests.support.connect_process import Logged, Sources, logged, wait_until

_BEGAN = datetime.now(UTC) - timedelta(hours=2)


def counted(number: int) -> Record:
    """An event without a subject: no record key can tell a repeat, only exact resumption."""
    moment = (_BEGAN + timedelta(milliseconds=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"measure": "traffic.vehicles", "unit": "46", "time": moment, "value": number % 100 + 1}


def measured(number: int, **wrong: Any) -> Record:
    moment = (_BEGAN + timedelta(seconds=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"measure": "air.pm25", "unit": "46", "subject": "AQ-1", "time": moment, "value": number + 0.5, **wrong}


class ConnectorConformance:
    """Subclass it with a `system`; that is all a kind has to do."""

    system: ClassVar[type[SectorSystem]]

    @pytest.fixture
    def other_side(self, request: pytest.FixtureRequest, tmp_path: Path, sources: Sources) -> Iterator[SectorSystem]:
        words = f"{type(self).__name__} {request.node.name.removeprefix('test_')}".lower()
        source = re.sub("[^a-z0-9]+", "-", words).strip("-")[:60]
        system = self.system(tmp_path / "system", sources, source)
        (tmp_path / "system").mkdir()
        system.start()
        sources.configure(source, system.configuration())
        yield system
        system.stop()

    def test_good_beside_bad(self, kafka: str, sources: Sources, other_side: SectorSystem) -> None:
        """Fit records count; each unfit one is kept with its reason."""
        sources.start()
        self._ready(sources, other_side)
        other_side.give([measured(1), measured(2, unit="99999"), measured(3), measured(4, value=-7), measured(5)])
        found = self._settled(kafka, other_side.source, received=5)
        assert sorted(row["value"] for row in found.readings) == [1.5, 3.5, 5.5]
        assert sorted(r.reason for r in found.rejections) == ["out_of_range", "unknown_unit"]
        assert all(rejection.content for rejection in found.rejections)
        assert len({rejection.index for rejection in found.rejections}) >= 1

    def test_repeat_counts_as_duplicate(self, kafka: str, sources: Sources, other_side: SectorSystem) -> None:
        sources.start()
        self._ready(sources, other_side)
        other_side.give([measured(n) for n in range(20)])
        self._settled(kafka, other_side.source, rows=20)
        other_side.give_again()
        found = self._settled(kafka, other_side.source, duplicate=20)
        assert len(found.readings) == 20

    @pytest.mark.parametrize(
        ("kills", "records"), [(1, 300), pytest.param(5, 1000, marks=pytest.mark.soak)], ids=["a kill", "5 kills"]
    )
    def test_killed_and_started_again(
        self, kafka: str, sources: Sources, other_side: SectorSystem, kills: int, records: int
    ) -> None:
        """SIGKILL at random moments while records without keys flow: each is in the log once."""
        if other_side.forgets:
            pytest.skip(other_side.forgets)
        chance = random.Random(other_side.source)
        sources.start()
        self._ready(sources, other_side)
        giving = threading.Thread(target=_give_all, args=(other_side, records, 20))
        giving.start()
        for _ in range(kills):
            time.sleep(chance.uniform(0.1, 0.6))
            sources.kill()
            sources.start()
            time.sleep(chance.uniform(1.2, 1.8))
        giving.join()
        found = self._settled(kafka, other_side.source, rows=records, timeout_s=60)
        time.sleep(1.5)
        found = logged(kafka, other_side.source)
        times = Counter(row["time"] for row in found.readings)
        assert len(times) == records
        twice = {time for time, count in times.items() if count > 1}
        assert not twice, [(row["time"], row["batch"]) for row in found.readings if row["time"] in twice]
        assert found.received == len(found.readings) + len(found.rejections) + found.duplicate

    def test_source_that_goes_away(self, kafka: str, sources: Sources, other_side: SectorSystem) -> None:
        """The state says so in one sentence, and data flows again when it is back."""
        if not other_side.notices_absence:
            pytest.skip("who pushes is not asked, so nobody knows that it is gone")
        if other_side.forgets:
            pytest.skip(other_side.forgets)
        sources.start()
        self._ready(sources, other_side)
        other_side.give([measured(1)])
        self._settled(kafka, other_side.source, rows=1)
        other_side.go_away()
        try:
            state = wait_until(
                "the state unavailable",
                lambda: (s := sources.state(other_side.source)).get("condition") == "unavailable" and s,
            )
            assert state["error"].endswith(".")
            assert "\n" not in state["error"]
        finally:
            other_side.come_back()
        self._ready(sources, other_side)
        other_side.give([measured(2)])
        self._settled(kafka, other_side.source, rows=2)
        wait_until("the state live", lambda: sources.state(other_side.source).get("condition") == "live")

    @staticmethod
    def _ready(sources: Sources, other_side: SectorSystem) -> None:
        """An MQTT server keeps nothing for a session that was never there, so first let it be."""
        since = "last_success" if other_side.notices_absence else "generation"
        wait_until("the source's opening", lambda: sources.state(other_side.source).get(since))

    @staticmethod
    def _settled(kafka: str, source: str, *, timeout_s: float = 30, **expected: int) -> Logged:
        """The log once it holds what is expected: `rows` (that many at least), `received`, `duplicate`."""

        def holds() -> Logged | None:
            found = logged(kafka, source)
            has = {"rows": len(found.readings), "received": found.received, "duplicate": found.duplicate}
            return found if all(has[name] >= count for name, count in expected.items()) else None

        try:
            result: Logged = wait_until(f"{expected} in the log of {source}", holds, timeout_s, every_s=0.3)
        except AssertionError as late:
            found = logged(kafka, source)
            has = f"{len(found.readings)} rows, {found.received} received, {found.duplicate} duplicate"
            raise AssertionError(f"{late}: it holds {has}") from None
        return result


def _give_all(system: SectorSystem, records: int, at_once: int) -> None:
    for first in range(0, records, at_once):
        system.give([counted(number) for number in range(first, first + at_once)])
        time.sleep(0.1)
