"""Requests about alerts by an administrator, and the clock of the fake centre's alert service."""

from datetime import timedelta
from typing import Any

import httpx
import numpy as np

from ioc.alerts.inputs import DataState, Inputs, Values
from ioc.clock import FixedClock, to_ms
from tests.support.fake_centre import ADMIN, FakeParts

AS_ADMIN = {"Authorization": f"Bearer {ADMIN}"}


def tick_later(parts: FakeParts, seconds: float = 1, **figures: float) -> None:
    """Move the clock and tick with these values of the centre (`disk_free` for centre.disk_free)."""
    assert isinstance(parts.clock, FixedClock)
    parts.clock.moment += timedelta(seconds=seconds)
    values = {
        f"centre.{name}": Values(("46",), np.array([value]), np.ones(1, np.int64), np.array([DataState.LIVE], np.int8))
        for name, value in figures.items()
    }
    parts.alerting.service.tick(Inputs(to_ms(parts.clock.moment), values))


async def send_request(client: httpx.AsyncClient, method: str, path: str, json: Any = None, status: int = 200) -> Any:
    answer = await client.request(method, f"/api/v1/{path}", json=json, headers=AS_ADMIN)
    assert answer.status_code == status, answer.text
    return answer.json()


def rule_fields(**more: Any) -> dict[str, Any]:
    return {
        "id": "own-lag",
        "name": {"vi": "Dồn", "en": "Behind"},
        "kpi": "centre.lag",
        "fires_above": 10,
        "severity": "high",
        **more,
    }


def alertmanager_message(status: str = "firing", **labels: str) -> dict[str, Any]:
    alert = {
        "status": status,
        "labels": {"alertname": "HostDown", "severity": "critical", "instance": "a", **labels},
        "annotations": {"summary": "Máy a không trả lời"},
        "startsAt": "2026-11-22T00:59:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
    }
    return {"version": "4", "status": status, "alerts": [alert]}
