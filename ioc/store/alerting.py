"""Storage of alerting: transitions, state, actions of people, deliveries; all of one tick in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import duckdb
import orjson
import pyarrow as pa

from ioc.clock import from_ms
from ioc.model.alert import Transition, TransitionKind
from ioc.model.rule import Severity
from ioc.store.store import transaction, unavailable
from ioc.store.times import aware, naive

ENGINE, OUTBOX = "engine", "outbox"
MESSAGES_KEPT = timedelta(days=90)
TRANSITIONS_KEPT = timedelta(days=400)


class StoreHandle(Protocol):
    """The part of the store that alerting uses."""

    @property
    def path(self) -> Path: ...
    def cursor(self) -> duckdb.DuckDBPyConnection: ...


@dataclass(frozen=True, slots=True)
class ActionRow:
    """An action of a person about an alert."""

    at: datetime
    who: str
    act: str
    alert: str
    rule: str
    unit: str
    text: str


@dataclass(frozen=True, slots=True)
class Notification:
    """A delivery as it is sent: rendered, `payload` for webhooks. `attempts` have been made already."""

    id: str
    kind: str
    lane: str
    number: int
    route: str
    receiver: str
    channel: str
    person: str
    planned_at: datetime
    alerts: tuple[str, ...]
    transitions: tuple[str, ...]
    subject: str
    body: str
    payload: str
    attempts: int = 0
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliveryFault:
    """Why an attempt failed: a sentence in English, and a code with parameters for pages in another language."""

    text: str
    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AlertWrite:
    """The content of one transaction.

    `state` and `records` (kind, id → JSON; None removes) replace what is there.
    """

    transitions: Sequence[Transition] = ()
    state: Mapping[str, bytes] = field(default_factory=dict)
    records: Mapping[tuple[str, str], bytes | None] = field(default_factory=dict)
    acts: Sequence[ActionRow] = ()
    notifications: Sequence[Notification] = ()

    def __bool__(self) -> bool:
        return bool(self.transitions or self.state or self.records or self.acts or self.notifications)


class AlertStore:
    """Reads and writes alerting's tables; may be used from any thread, as long as the caller writes one at a time."""

    def __init__(self, store: StoreHandle) -> None:
        """Read the number of the last transition. Raises StoreUnavailable."""
        self._store = store
        self._reviving = Lock()
        self._number = int(self.select("SELECT coalesce(max(number), 0) AS n FROM alert_transitions")[0]["n"])

    def write(self, writing: AlertWrite, now: datetime) -> None:
        """Write all or nothing. Raises StoreUnavailable."""
        if not writing:
            return
        at = naive(now)
        with self._store.cursor() as cursor, transaction(cursor, self._store.path):
            if writing.transitions:
                cursor.register("fresh_transitions", self._transitions(writing.transitions))
                cursor.execute("INSERT INTO alert_transitions BY NAME SELECT * FROM fresh_transitions")
            for part, content in writing.state.items():
                cursor.execute("DELETE FROM alerting_state WHERE part = ?", [part])
                cursor.execute("INSERT INTO alerting_state VALUES (?, ?)", [part, content.decode()])
            if writing.records:
                cursor.register("fresh_records", _records(writing.records, at))
                cursor.execute(
                    "DELETE FROM alerting_records r USING fresh_records f WHERE r.kind = f.kind AND r.id = f.id"
                )
                cursor.execute("INSERT INTO alerting_records SELECT * FROM fresh_records WHERE content IS NOT NULL")
            if writing.acts:
                cursor.register("fresh_acts", _acts(writing.acts))
                cursor.execute("INSERT INTO alert_acts SELECT * FROM fresh_acts")
            if writing.notifications:
                cursor.register("fresh_deliveries", _notifications(writing.notifications))
                cursor.execute("INSERT INTO deliveries BY NAME SELECT * FROM fresh_deliveries")
        self._number += len(writing.transitions)

    def note_attempt(
        self,
        notification: str,
        number: int,
        at: datetime,
        outcome: str,
        why: DeliveryFault | str,
        next_at: datetime | None,
    ) -> None:
        """Record an attempt to deliver a notification. Raises StoreUnavailable."""
        said = why if isinstance(why, DeliveryFault) else DeliveryFault(why)
        row = [notification, number, naive(at), outcome, said.text, None if next_at is None else naive(next_at)]
        row += [said.code, orjson.dumps(dict(said.params)).decode()]
        self.execute(
            "INSERT INTO delivery_attempts (delivery, number, tried_at, outcome, reason, next_at, code, params) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )

    def state(self, part: str) -> Any:
        """Return the part's JSON, None when it was never written. Raises StoreUnavailable."""
        rows = self.select("SELECT content FROM alerting_state WHERE part = ?", [part])
        return orjson.loads(rows[0]["content"]) if rows else None

    def records(self, kind: str) -> dict[str, Any]:
        """Return the records of a kind by id, in the order of their last change. Raises StoreUnavailable."""
        rows = self.select("SELECT id, content FROM alerting_records WHERE kind = ? ORDER BY changed_at, id", [kind])
        return {row["id"]: orjson.loads(row["content"]) for row in rows}

    def ended_incoming(self, alerts: Sequence[str]) -> dict[str, Any]:
        """Return what other systems sent about alerts that have ended, by id.

        These are the alerts of the given ids and all that a person closed. Raises StoreUnavailable.
        """
        rows = self.select(
            "SELECT id, content FROM alerting_records WHERE kind = 'incoming_ended' "
            "AND (list_contains(?, id) OR content LIKE '%\"is_closed\":true%')",
            [list(alerts)],
        )
        return {row["id"]: orjson.loads(row["content"]) for row in rows}

    def known_alerts(self, alerts: Sequence[str]) -> set[str]:
        """Return those of the ids that have a recorded transition. Raises StoreUnavailable."""
        if not alerts:
            return set()
        query = "SELECT DISTINCT alert FROM alert_transitions WHERE list_contains(?, alert)"
        return {row["alert"] for row in self.select(query, [list(alerts)])}

    def waiting(self) -> list[Notification]:
        """Return deliveries that were neither sent nor given up, in the order of their lanes.

        Raises StoreUnavailable.
        """
        rows = self.select(
            "SELECT d.*, coalesce(a.attempts, 0) AS attempts, a.next_at FROM deliveries d LEFT JOIN ("
            "SELECT delivery, max(number) AS attempts, arg_max(next_at, number) AS next_at, "
            "arg_max(outcome, number) IN ('sent', 'dead') AS done FROM delivery_attempts GROUP BY delivery) a "
            "ON a.delivery = d.id WHERE NOT coalesce(a.done, false) ORDER BY d.planned_at, d.lane, d.number"
        )
        return [_notification(row) for row in rows]

    def revive(self, deliveries: Sequence[str], at: datetime, why: str) -> list[Notification]:
        """Make deliveries that were given up wait again, with a record of it. Raises StoreUnavailable."""
        with self._reviving:
            rows = self.select(
                "SELECT d.*, s.attempts, NULL AS next_at FROM deliveries d JOIN delivery_states s ON s.id = d.id "
                "WHERE s.state = 'dead' AND list_contains(?, d.id) ORDER BY d.planned_at, d.lane, d.number",
                [list(deliveries)],
            )
            for row in rows:
                row["attempts"] += 1
                self.note_attempt(row["id"], row["attempts"], at, "again", why, None)
        return [_notification(row) for row in rows]

    def transitions(self, since: datetime, until: datetime) -> list[Transition]:
        """Return the transitions in [since, until), in their order.

        Earlier ones of alerts that had not ended by `since` come with them.
        """
        rows = self.select(
            "SELECT * FROM alert_transitions WHERE moved_at < ? AND (moved_at >= ? OR alert IN (SELECT alert "
            "FROM alert_transitions WHERE moved_at < ? GROUP BY alert "
            "HAVING NOT bool_or(kind IN ('resolved', 'cancelled')))) ORDER BY number",
            [naive(until), naive(since), naive(since)],
        )
        return [
            Transition(
                row["id"],
                TransitionKind(row["kind"]),
                _ms(row["moved_at"]),
                row["rule"],
                row["unit"],
                _ms(row["onset_at"]),
                Severity(row["severity"]),
                row["value"],
                row["rule_version"],
                row["reason"],
            )
            for row in rows
        ]

    def select(self, query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return rows as dicts by column. Raises StoreUnavailable."""
        with self._store.cursor() as cursor:
            try:
                result = cursor.execute(query, list(parameters))
                names = [column[0] for column in result.description or ()]
                return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
            except duckdb.Error as fault:
                raise unavailable(self._store.path, fault) from fault

    def execute(self, statement: str, parameters: Sequence[Any]) -> None:
        """Execute a statement in its own transaction. Raises StoreUnavailable."""
        with self._store.cursor() as cursor, transaction(cursor, self._store.path):
            cursor.execute(statement, list(parameters))

    def _transitions(self, listed: Sequence[Transition]) -> pa.Table:
        return pa.table(
            {
                "number": range(self._number + 1, self._number + 1 + len(listed)),
                "id": [one.id for one in listed],
                "kind": [one.kind.value for one in listed],
                "moved_at": [naive(from_ms(one.at_ms)) for one in listed],
                "alert": [one.alert for one in listed],
                "rule": [one.rule for one in listed],
                "unit": [one.unit for one in listed],
                "onset_at": [naive(from_ms(one.onset_ms)) for one in listed],
                "severity": [one.severity.value for one in listed],
                "value": pa.array([one.value for one in listed], pa.float64()),
                "rule_version": [one.rule_version for one in listed],
                "reason": [one.reason for one in listed],
            }
        )


def expire_alerting(cursor: duckdb.DuckDBPyConnection, now: datetime) -> None:
    """Delete notifications and what other systems said of ended alerts after 90 days, and transitions after 400 days.

    What an open alert still needs is kept.
    """
    old, oldest = naive(now - MESSAGES_KEPT), naive(now - TRANSITIONS_KEPT)
    cursor.execute(
        "DELETE FROM delivery_attempts WHERE delivery IN (SELECT id FROM deliveries WHERE planned_at < ?)", [old]
    )
    cursor.execute("DELETE FROM deliveries WHERE planned_at < ?", [old])
    cursor.execute("DELETE FROM alerting_records WHERE kind = 'incoming_ended' AND changed_at < ?", [old])
    cursor.execute(
        "DELETE FROM alert_transitions WHERE moved_at < ? AND alert IN (SELECT alert FROM alert_transitions "
        "GROUP BY alert HAVING bool_or(kind IN ('resolved', 'cancelled')) AND max(moved_at) < ?)",
        [oldest, oldest],
    )


def _records(records: Mapping[tuple[str, str], bytes | None], at: datetime) -> pa.Table:
    """Return the columns in the order of the table; `content` is null for records to be removed."""
    return pa.table(
        {
            "kind": [kind for kind, _ in records],
            "id": [name for _, name in records],
            "content": pa.array([None if one is None else one.decode() for one in records.values()], pa.string()),
            "changed_at": [at] * len(records),
        }
    )


def _acts(acts: Sequence[ActionRow]) -> pa.Table:
    """Return the columns in the order of the table."""
    return pa.table(
        {
            "done_at": [naive(act.at) for act in acts],
            **{name: [getattr(act, name) for act in acts] for name in ("who", "act", "alert", "rule", "unit", "text")},
        }
    )


def _notifications(listed: Iterable[Notification]) -> pa.Table:
    rows = list(listed)
    columns: dict[str, Any] = {
        name: [getattr(row, name) for row in rows]
        for name in ("id", "kind", "lane", "number", "route", "receiver", "channel", "person")
    }
    columns["planned_at"] = [naive(row.planned_at) for row in rows]
    for name in ("alerts", "transitions"):
        columns[name] = pa.array([list(getattr(row, name)) for row in rows], pa.list_(pa.string()))
    return pa.table(columns | {name: [getattr(row, name) for row in rows] for name in ("subject", "body", "payload")})


def _notification(row: Mapping[str, Any]) -> Notification:
    return Notification(
        **{
            name: row[name]
            for name in Notification.__slots__
            if name not in ("planned_at", "alerts", "transitions", "next_at")
        },
        planned_at=aware(row["planned_at"]),
        alerts=tuple(row["alerts"]),
        transitions=tuple(row["transitions"]),
        next_at=None if row["next_at"] is None else aware(row["next_at"]),
    )


def _ms(stored: datetime) -> int:
    return round(stored.replace(tzinfo=UTC).timestamp() * 1000)
