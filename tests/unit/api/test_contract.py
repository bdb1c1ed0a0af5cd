"""Requests made from the API's own description, fit and unfit ones: none may end in a fault of the server, and every
answer must be as the description says.

The address of a resource is taken from what the centre has in half of the cases, so that the handlers behind the checks
are reached too. 503 with a reason is an answer: a centre of tests has no broker and no lab.
"""

import itertools
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument, Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation

from ioc.api import create_app
from ioc.api.auth.forwarded import signed_headers
from ioc.clock import FixedClock
from ioc.lab.app import create_lab_app
from ioc.lab.context import LabContext
from ioc.lab.job_process import JobProcess
from ioc.lab.sql_service import SqlService
from ioc.model.person import Permission, Role
from ioc.settings import Settings
from tests.support.checked_answers import check_answer
from tests.support.fake_centre import ADMIN, NOW, PUSH_SOURCE, PUSH_TOKEN, FakeParts, kpi_value

KNOWN: dict[str, list[str]] = {
    "kpi": ["dossier.overdue_now", "air.pm25.mean_24h", "qd766.total.month"],
    "unit": ["46", "19753"],
    "display_id": ["main"],
    "rule": ["pm25-high", "source-silent"],
    "source": [PUSH_SOURCE, "centre"],
    "name": ["lan"],
    "channel": ["log"],
    "report": ["online_services"],
    "issue": ["2026-10.1"],
    "query": ["none"],
    "saved": ["1"],
    "onset": ["1"],
}


COMPLETED_BY_THE_CENTRE = {"POST /api/v1/lab/snapshot"}
"""The lab's own answer is part of the centre's, which is the one that the document describes."""
Found = tuple[str, int, str]
"""Operation, status, body."""


def requests_of(app: FastAPI, examples: int, headers: dict[str, str]) -> Iterator[Found]:
    """Ask every operation, with fit requests and with unfit ones."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GET and HEAD of one handler share its name in the description
        schema = schemathesis.openapi.from_dict(app.openapi())
    operations = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]
    for operation, mode in itertools.product(operations, GenerationMode):
        yield from asked(app, operation, mode, examples, headers)


def asked(
    app: FastAPI, operation: APIOperation, mode: GenerationMode, examples: int, headers: dict[str, str]
) -> list[Found]:
    found: list[Found] = []
    takes_source = operation.path.startswith("/api/v1/ingest") or "/incoming/" in operation.path

    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), st.integers(0, 1 << 16))
    def ask(case: Case, choice: int) -> None:
        known(case, choice)
        if choice & 6 == 6:
            spoil(case, choice >> 3)
        own = {"Authorization": f"Bearer {PUSH_TOKEN}"} if takes_source and choice & 1 else headers
        answer = case.call(app=app, headers=own)
        kinds = {name: values[0] for name, values in answer.headers.items()}
        path = unquote(urlsplit(answer.request.url or "").path)
        if operation.label not in COMPLETED_BY_THE_CENTRE:
            check_answer(case.method, path, answer.status_code, kinds, answer.content)
        found.append((operation.label, answer.status_code, answer.content.decode(errors="replace")))

    with suppress(Unsatisfiable, InvalidArgument):  # nothing unfit can be made where everything is fit
        ask()
    return found


def known(case: Case, choice: int) -> None:
    """In half of the cases put what the centre has in the place of made-up names."""
    if not choice & 1:
        return
    for values in (case.path_parameters, case.query):
        for name in set(values or {}) & set(KNOWN):
            values[name] = KNOWN[name][(choice >> 1) % len(KNOWN[name])]


HOSTILE: tuple[Any, ...] = (
    "\ud800", "\x00", "x" * 70_000, 10**30, -1, 1e308, "9" * 40, [], {}, None, True,
    "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "NaN", "../..", "[" * 5_000,
)  # fmt: skip


def spoil(case: Case, choice: int) -> None:
    """Put one hostile value into the body or the query."""
    hostile = HOSTILE[choice % len(HOSTILE)]
    if isinstance(case.body, dict) and case.body:
        place: Any = case.body
        keys = sorted(place, key=str)
        while True:
            key = keys[choice % len(keys)]
            inner = place[key]
            if choice & 1 and isinstance(inner, dict | list) and inner:
                place, keys = inner, list(range(len(inner))) if isinstance(inner, list) else sorted(inner, key=str)
                continue
            place[key] = hostile
            return
    if case.query and isinstance(hostile, str) and hostile.isascii():
        case.query[sorted(case.query)[choice % len(case.query)]] = hostile


def faults(found: Iterator[Found]) -> dict[str, str]:
    return {
        label: body
        for label, status, body in found
        if status >= 500 and not (status == 503 and ("detail" in body or label.startswith("HEAD")))
    }


def centre_app(folder: Path) -> FastAPI:
    parts = FakeParts(folder)
    parts.people.accounts.add("lan", "Nguyễn Thị Lan", Role.OPERATOR, "mật khẩu đủ dài")
    parts.kpis.present = [kpi_value(), kpi_value(value=None, unit="19753")]
    return create_app(parts.centre())


def lab_app(folder: Path) -> tuple[FastAPI, dict[str, str]]:
    settings_ = Settings(folder)
    clock = FixedClock(NOW)
    parts = LabContext(settings_, clock, lambda: None, JobProcess(), asking=SqlService.of(settings_, clock))
    return create_lab_app(parts), signed_headers(settings_.lab_key(), "lan", list(Permission))


@pytest.mark.parametrize("examples", [pytest.param(2, id="some"), pytest.param(150, id="many", marks=pytest.mark.soak)])
def test_no_request_ends_in_a_fault_of_the_server(tmp_path: Path, examples: int) -> None:
    assert faults(requests_of(centre_app(tmp_path), examples, {"Authorization": f"Bearer {ADMIN}"})) == {}


@pytest.mark.parametrize("examples", [pytest.param(2, id="some"), pytest.param(150, id="many", marks=pytest.mark.soak)])
def test_no_request_ends_in_a_fault_of_the_lab(tmp_path: Path, examples: int) -> None:
    app, headers = lab_app(tmp_path)
    assert faults(requests_of(app, examples, headers)) == {}
