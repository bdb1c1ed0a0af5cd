"""Keep incidents with their whole timeline and their attached files."""

from collections.abc import Callable
from threading import RLock

from ioc.alerts.incidents import Attachment, Incident, attach
from ioc.alerts.records import from_record, to_json
from ioc.clock import Clock, to_ms
from ioc.store.alerting import AlertStore, AlertWrite

KIND = "incident"
MAX_FILE_BYTES = 5 * 1024 * 1024


class IncidentStore:
    """All incidents, in memory and in the store; may be called from any thread, one change at a time."""

    def __init__(self, store: AlertStore, clock: Clock) -> None:
        """Read the stored incidents. Raises StoreUnavailable."""
        self._store = store
        self._clock = clock
        self._lock = RLock()
        self._incidents = {name: from_record(Incident, one) for name, one in store.records(KIND).items()}

    def all(self) -> list[Incident]:
        """Return all incidents: open ones first, then by the time of opening, latest first."""
        return sorted(self._incidents.values(), key=lambda one: (one.closed_ms is not None, -one.opened_ms))

    def named(self, incident: str) -> Incident:
        """Return the incident with this id. Raises KeyError."""
        return self._incidents[incident]

    def of_alert(self, alert: str) -> list[str]:
        """Return the ids of the incidents that an alert (id) belongs to."""
        return [one.id for one in self._incidents.values() if alert in one.alerts]

    def open(self, make: Callable[[str, int], Incident]) -> Incident:
        """Keep the incident that `make(id, time in ms)` returns. Raises ActRefused, StoreUnavailable.

        Ids are such as S-2026-0001, numbered within the year.
        """
        with self._lock:
            now = self._clock.now()
            number = sum(name.startswith(f"S-{now.year}-") for name in self._incidents) + 1
            return self._keep(make(f"S-{now.year}-{number:04}", to_ms(now)))

    def change(self, incident: str, act: Callable[[Incident, int], Incident]) -> Incident:
        """Replace an incident by what `act(incident, time in ms)` returns.

        Raises KeyError, ActRefused, StoreUnavailable; then nothing has changed.
        """
        with self._lock:
            return self._keep(act(self._incidents[incident], to_ms(self._clock.now())))

    def attach(self, incident: str, file_id: str, name: str, content: bytes, by: str) -> Incident:
        """Attach a file. Raises KeyError, ActRefused, StoreUnavailable."""
        with self._lock:
            file = Attachment(file_id, name, len(content), by, to_ms(self._clock.now()))
            after = attach(self._incidents[incident], file)
            self._store.execute("INSERT INTO incident_files VALUES (?, ?, ?, ?)", [file_id, incident, name, content])
            return self._keep(after)

    def file(self, incident: str, file_id: str) -> tuple[str, bytes]:
        """Return name and content of an attached file. Raises KeyError."""
        query = "SELECT name, content FROM incident_files WHERE incident = ? AND id = ?"
        rows = self._store.select(query, [incident, file_id])
        if not rows:
            raise KeyError(file_id)
        return rows[0]["name"], bytes(rows[0]["content"])

    def _keep(self, incident: Incident) -> Incident:
        records = {(KIND, incident.id): to_json(incident)}
        self._store.write(AlertWrite(records=records), self._clock.now())
        self._incidents = self._incidents | {incident.id: incident}
        return incident
