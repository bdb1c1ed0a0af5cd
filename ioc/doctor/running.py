"""Examine what runs: the server through its API, the lab through its socket, Kafka through its protocol."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from typing import Any

from ioc.doctor.findings import Finding, FindingLevel
from ioc.environment_variables import WILDCARDS
from ioc.errors import IocError
from ioc.kafka import topic_states
from ioc.lab_socket import lab_answers
from ioc.messages import Message
from ioc.model.source import SourceCondition
from ioc.settings import Settings
from ioc.topics import TOPICS

ANSWERS_WITHIN_S = 5.0
_TROUBLED = (SourceCondition.FAILING, SourceCondition.UNAVAILABLE, SourceCondition.REFUSING)

Ask = Callable[[str], tuple[int, Any]]
"""Return status and JSON of the server's answer for a path. Raises OSError when no server answers."""


def asker(settings: Settings) -> Ask:
    """Return a function that calls this machine's server as the administrator."""
    host = "127.0.0.1" if settings.http_host in WILDCARDS else settings.http_host
    token = settings.admin_token()

    def ask(path: str) -> tuple[int, Any]:
        connection = HTTPConnection(host, settings.http_port, timeout=ANSWERS_WITHIN_S)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        except (HTTPException, ValueError) as fault:
            raise OSError(f"this is not the answer of a centre: {fault!r}") from fault
        finally:
            connection.close()

    return ask


def server(settings: Settings, ask: Ask) -> Iterator[Finding]:
    """Yield whether the server answers, and the faults that it reports of its parts, sources and ledger."""
    address = f"{settings.http_host}:{settings.http_port}"
    log = str(settings.data_dir / "log" / "serve.log")
    try:
        ask("/healthz")
        _, ready = ask("/readyz")
        status, sources = ask("/api/v1/sources")
        _, ledger = ask("/api/v1/ledger")
    except OSError:
        yield Finding.of("server", "server_away", address=address, log=log)
        return
    yield Finding.of("server", "server_answers", address=address)
    faults = _messages((ready or {}).get("errors", []))
    for fault in faults:
        yield Finding("server", fault, FindingLevel.NOTE if fault.code == "starting" else FindingLevel.BAD)
    if not faults:
        yield Finding.of("server", "parts_work")
    if status != 200:
        yield Finding.of("server", "server_refuses", address=address, reason=f"HTTP {status}")
        return
    yield from _sources(sources["sources"])
    if ledger.get("balanced"):
        yield Finding.of("ledger", "ledger_balances")
    else:
        reported = {fault.code for fault in faults}
        for fault in _messages(ledger.get("coded_faults", [])):
            if fault.code not in reported:
                yield Finding("ledger", fault, FindingLevel.BAD)


def _messages(faults: list[dict[str, Any]]) -> list[Message]:
    """Return the server's faults without those of another version, which have no text here."""
    return [message for fault in faults if (message := Message.of_shape(fault)) is not None]


def _sources(states: list[dict[str, Any]]) -> Iterator[Finding]:
    troubled = [state for state in states if state["condition"] in _TROUBLED]
    late = [state for state in states if state["condition"] == SourceCondition.LATE]
    for state in troubled:
        yield Finding.of("sources", "source_troubled", source=state["source"], reason=_error(state))
    for state in late:
        yield Finding.of("sources", "source_late", source=state["source"])
    if states and not troubled:
        yield Finding.of("sources", "sources_fine", count=len(states) - len(late))


def lab(settings: Settings) -> Iterator[Finding]:
    """Yield whether the lab answers on its socket."""
    if lab_answers(settings.lab_socket, ANSWERS_WITHIN_S):
        yield Finding.of("lab", "lab_answers")
    else:
        yield Finding.of("lab", "lab_away", log=str(settings.data_dir / "log" / "lab.log"))


def broker(settings: Settings) -> Iterator[Finding]:
    """Yield whether Kafka answers and has every topic."""
    try:
        address = settings.bootstrap()
        known = {state.name for state in topic_states(address, settings.security)}
    except IocError as fault:
        yield Finding.of("broker", "broker_does_not_answer", reason=fault.message)
        return
    absent = [topic.name for topic in TOPICS if topic.name not in known]
    if absent:
        yield Finding.of("broker", "topics_absent", topics=", ".join(absent))
    else:
        yield Finding.of("broker", "broker_answers", address=address, topics=len(TOPICS))


def _error(state: dict[str, Any]) -> str:
    """Return what is wrong with a source: a Message when its code is known here, else the English sentence."""
    shape = {name: state.get(f"error_{name}") or {} for name in ("params", "nested")}
    message = Message.of_shape({"code": state.get("error_code", ""), **shape})
    return state["error"] if message is None else message
