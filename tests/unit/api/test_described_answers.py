"""The OpenAPI document describes every address, and the check that all tests of the API use finds what differs."""

from typing import Any

import orjson
import pytest

from ioc.api.auth.permissions import TABLE
from tests.support.checked_answers import PROBLEM, check_answer, nameless, operations

WITHOUT_MODEL = {
    "GET /metrics": "Prometheus's text format",
    "GET /api/v1/lab/metrics": "Prometheus's text format",
    "GET /open/{}": "files as data catalogues define them",
    "GET /open/{}/dictionary.csv": "a file",
    "GET /api/v1/incidents/{}/files/{}": "a file as somebody attached it",
}
PAGES = ("GET /", "GET /docs", "GET /openapi.json", "GET /ws/v1", "GET /wall/{}", "GET /assets/{}", "GET /catalog/{}")
HEALTH: dict[str, Any] = {"status": "ok"}
FAULT: dict[str, Any] = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "No.", "instance": "/"}


def is_page(entry: str) -> bool:
    return entry in PAGES or entry.startswith("GET /docs/") or (entry.count("/") == 1 and "z" not in entry[-2:])


def test_every_address_is_described() -> None:
    wanted = {entry for entry in map(nameless, TABLE) if not is_page(entry)} - {"GET /metrics"}
    assert wanted <= set(operations())


def test_every_answer_has_a_model() -> None:
    missing = set()
    for name, operation in operations().items():
        for status, response in operation["responses"].items():
            schema = response.get("content", {}).get("application/json", {}).get("schema")
            if status not in ("default", "204") and not schema:
                missing.add(name)
    assert missing == set(WITHOUT_MODEL)


def test_a_snapshot_is_described_as_the_centre_answers_it() -> None:
    """The lab has the same address, for the centre only."""
    assert operations()["POST /api/v1/lab/snapshot"]["operationId"] == "take_snapshot"


def test_names_are_those_of_functions_and_unique() -> None:
    names = [operation["operationId"] for operation in operations().values()]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name.islower() for name in names)
    assert all(operation.get("tags") and operation.get("description") for operation in operations().values())


@pytest.mark.parametrize(
    ("status", "kind", "content", "says"),
    [
        pytest.param(200, "application/json", HEALTH, None, id="as described"),
        pytest.param(200, "application/json", HEALTH | {"more": 1}, "more", id="a field more"),
        pytest.param(200, "application/json", {}, "status", id="a field less"),
        pytest.param(200, "application/json", {"status": 1}, "at status", id="another type"),
        pytest.param(201, "application/json", HEALTH, "not described", id="a status that is not described"),
        pytest.param(404, PROBLEM, FAULT | {"errors": []}, None, id="a problem"),
        pytest.param(404, PROBLEM, FAULT, "errors", id="a problem without its errors"),
        pytest.param(404, "application/json", {"detail": "No."}, "application/json", id="an error that is no problem"),
    ],
)
def test_what_differs_from_the_document_is_found(status: int, kind: str, content: Any, says: str | None) -> None:
    found = ""
    try:
        check_answer("GET", "/healthz", status, {"content-type": kind}, orjson.dumps(content))
    except AssertionError as difference:
        found = str(difference)
    assert (says in found) if says is not None else not found
