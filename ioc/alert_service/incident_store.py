"""Incidents, kept as they stand with their whole timeline."""

from collections.abc import Callable
from threading import RLock
from typing import Any

import orjson

from ioc.alerts.incidents import Attachment, Incident, attach
from ioc.alerts.records import from_record, to_record
from ioc.clock import Clock, to_ms
from ioc.store.alerting import AlertStore, Writing

KIND = "incident"
MAX_FILE_BYTES = 5 * 1024 * 1024


class IncidentStore:
    """May be called from any thread; one change at a time."""

    def __init__(self, store: AlertStore, clock: Clock) -> None:
        """Raises StoreUnavailable."""
        self._store = store
        self._clock = clock
        self._lock = RLock()
        self._known = {name: from_record(Incident, one) for name, one in store.records(KIND).items()}

    def all(self) -> list[Incident]:
        """Open ones first, then by the time of opening, latest first."""
        return sorted(self._known.values(), key=lambda one: (one.closed_ms is not None, -one.opened_ms))

    def named(self, incident: str) -> Incident:
        """Raises KeyError."""
        return self._known[incident]

    def of_alert(self, alert: str) -> list[str]:
        """Ids of the incidents that an alert belongs to."""
        return [one.id for one in self._known.values() if alert in one.alerts]

    def open(self, make: Callable[[str, int], Incident]) -> Incident:
        """`make` is given the id, as S-2026-0001, and the time in ms. Raises ActRefused, StoreUnavailable."""
        with self._lock:
            now = self._clock.now()
            number = sum(name.startswith(f"S-{now.year}-") for name in self._known) + 1
            return self._keep(make(f"S-{now.year}-{number:04}", to_ms(now)))

    def change(self, incident: str, act: Callable[[Incident, int], Incident]) -> Incident:
        """Raises KeyError, ActRefused, StoreUnavailable; it is then as it was."""
        with self._lock:
            return self._keep(act(self._known[incident], to_ms(self._clock.now())))

    def attach(self, incident: str, file_id: str, name: str, content: bytes, by: str) -> Incident:
        """Raises KeyError, ActRefused, StoreUnavailable."""
        with self._lock:
            file = Attachment(file_id, name, len(content), by, to_ms(self._clock.now()))
            after = attach(self._known[incident], file)
            self._store.execute("INSERT INTO incident_files VALUES (?, ?, ?, ?)", [file_id, incident, name, content])
            return self._keep(after)

    def file(self, incident: str, file_id: str) -> tuple[str, bytes]:
        """Name and content. Raises KeyError."""
        query = "SELECT name, content FROM incident_files WHERE incident = ? AND id = ?"
        rows = self._store.select(query, [incident, file_id])
        if not rows:
            raise KeyError(file_id)
        return rows[0]["name"], bytes(rows[0]["content"])

    def _keep(self, incident: Incident) -> Incident:
        written: dict[str, Any] = to_record(incident)
        self._store.write(Writing(records={(KIND, incident.id): orjson.dumps(written)}), self._clock.now())
        self._known = self._known | {incident.id: incident}
        return incident
