"""Conditions: what they mean on cases, and what is refused."""

import duckdb
import pytest

from ioc.catalog.conditions import ConditionInvalid, parse_condition
from ioc.model.case import CaseType

DOSSIER = CaseType(
    "dossier", {"vi": "Hồ sơ", "en": "Dossier"}, ("received", "settled"), ("fee", "paid_online", "place")
)
# case_id, status, channel, received_at, due_at, closed_at, attributes
CASES = [
    ("a", "received", "online", "2026-11-20", "2026-11-25", None, '{"fee": 30000, "paid_online": true}'),
    ("b", "received", "counter", "2026-11-10", "2026-11-15", None, '{"fee": "0", "paid_online": "false"}'),
    ("c", "settled", "online", "2026-11-01", "2026-11-08", "2026-11-07", '{"place": "Huế", "fee": "free"}'),
    ("d", "settled", "post", "2026-11-01", None, "2026-11-09", None),
]
NOW = "2026-11-22"


@pytest.fixture(scope="module")
def cases() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE cases (case_id VARCHAR, status VARCHAR, channel VARCHAR, received_at TIMESTAMP, "
        "due_at TIMESTAMP, closed_at TIMESTAMP, attributes VARCHAR)"
    )
    connection.executemany("INSERT INTO cases VALUES (?, ?, ?, ?, ?, ?, ?)", CASES)
    return connection


@pytest.mark.parametrize(
    ("text", "met"),
    [
        pytest.param("true", "abcd", id="all"),
        pytest.param("closed_at <= due_at", "c", id="on time, and a missing time is not met"),
        pytest.param("closed_at is null and due_at < now", "b", id="overdue by the clock"),
        pytest.param("due_at < now + interval 4 day and closed_at is null", "ab", id="due within four days"),
        pytest.param("status in ('settled') or channel = 'counter'", "bcd", id="or"),
        pytest.param("not (channel like 'on%')", "bd", id="not like"),
        pytest.param("channel not in ('online', 'post')", "b", id="not in"),
        pytest.param("paid_online = true", "a", id="yes as JSON truth"),
        pytest.param("paid_online = false", "b", id="no as text, from CSV"),
        pytest.param("paid_online", "a", id="attribute as a condition"),
        pytest.param("paid_online is null", "cd", id="missing attribute"),
        pytest.param("fee > 100", "a", id="number; a text that is none does not match"),
        pytest.param("fee between 0 and 5", "b", id="number as text, from CSV"),
        pytest.param("coalesce(fee, 0) + 1 <= 1", "bcd", id="arithmetic with a default"),
        pytest.param("100 / fee > 0", "a", id="division by zero is not met"),
        pytest.param("place = 'Huế'", "c", id="text attribute"),
        pytest.param("attributes.place = 'Huế'", "c", id="attribute by its long name"),
        pytest.param("lower(channel) = 'online' and length(case_id) = 1", "ac", id="functions"),
        pytest.param("channel = 'it''s' or case_id = 'a'", "a", id="quote inside a text"),
        pytest.param("due_at is distinct from null and -fee < 0", "a", id="minus"),
    ],
)
def test_condition(cases: duckdb.DuckDBPyConnection, text: str, met: str) -> None:
    condition = parse_condition(text, DOSSIER)
    source = f"(SELECT *, TIMESTAMP '{NOW}' AS \"now\" FROM cases)"
    rows = cases.execute(f"SELECT case_id FROM {source} WHERE {condition.sql} ORDER BY 1").fetchall()
    assert "".join(case_id for (case_id,) in rows) == met
    assert condition.uses_now == ("now" in text)
    loose = cases.execute(f"SELECT case_id FROM cases WHERE {condition.loose}").fetchall()
    assert set(rows) <= set(loose)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("true; drop table cases", "not one SQL condition", id="second statement"),
        pytest.param("true) or (select 1", "not one SQL condition", id="brackets closed early"),
        pytest.param("true from cases", "more than a condition", id="from"),
        pytest.param("true where 1 = 1", "more than a condition", id="where"),
        pytest.param("true limit 1", "more than a condition", id="limit"),
        pytest.param("true, false", "more than a condition", id="two expressions"),
        pytest.param("true union select false", "more than a condition", id="union"),
        pytest.param("status = 'received' as x", "more than a condition", id="alias"),
        pytest.param("case_id in (select case_id from cases)", "subquery is not allowed", id="subquery"),
        pytest.param("exists (select 1)", "subquery is not allowed", id="exists"),
        pytest.param("count(*) > 1", "count_star() is not allowed", id="aggregate"),
        pytest.param("row_number() over () = 1", "window is not allowed", id="window function"),
        pytest.param("read_text('/etc/passwd') = ''", "read_text() is not allowed", id="file"),
        pytest.param("getenv('HOME') = ''", "getenv() is not allowed", id="environment"),
        pytest.param("? = 1", "parameter is not allowed", id="parameter"),
        pytest.param("statu = 'received'", "did you mean 'status'", id="unknown column"),
        pytest.param("cases.status = 'received'", "no column or attribute 'cases.status'", id="column of a table"),
        pytest.param("status = 'recieved'", "did you mean 'received'", id="unknown status"),
        pytest.param("status in ('received', 'closed')", "'closed' is not a status", id="unknown status in a list"),
        pytest.param("received_at = 'yesterday'", "text where a time is needed", id="time against text"),
        pytest.param("fee < now", "attributes cannot hold times", id="attribute against time"),
        pytest.param("received_at", "time where a truth is needed", id="time as a condition"),
        pytest.param("fee::int = 3", "cast is not allowed", id="cast"),
        pytest.param("fee + 'x' = 3", "text where a number is needed", id="number plus text"),
        pytest.param("", "not one SQL condition", id="nothing"),
        pytest.param("working_days(received_at) > 3", "working_days() is not allowed", id="one day alone"),
        pytest.param(
            "working_days(fee, closed_at) > 3", "attributes cannot hold times", id="working days from an attribute"
        ),
        pytest.param("add_working_days(received_at, due_at) < now", "time where a number", id="days that are a time"),
        pytest.param("pauses = 'twice'", "text where a number is needed", id="pauses against text"),
        pytest.param("due_at < now + interval '2 days'", "INTERVAL 3 DAY", id="interval as text"),
        pytest.param("now - interval (fee) day > due_at", "INTERVAL 3 DAY", id="interval of an attribute"),
    ],
)
def test_refused(text: str, words: str) -> None:
    with pytest.raises(ConditionInvalid) as raised:
        parse_condition(text, DOSSIER)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("text", "loose"),
    [
        pytest.param("closed_at is null and due_at < now", '(("closed_at" IS NULL) AND true)', id="half of an and"),
        pytest.param("not (due_at < now)", "true", id="behind not, nothing is known"),
        pytest.param("channel = 'post' or due_at < now", "((\"channel\" = 'post') OR true)", id="half of an or"),
        pytest.param("channel = 'post'", "(\"channel\" = 'post')", id="no clock: the condition itself"),
    ],
)
def test_loose_knows_nothing_of_the_clock(text: str, loose: str) -> None:
    assert parse_condition(text, DOSSIER).loose == loose


@pytest.mark.parametrize(
    ("text", "uses_now"),
    [
        pytest.param("working_days(received_at, now) > 15", True, id="working days until now"),
        pytest.param("abs(working_days(now, due_at) - 1) < 2 * pauses", True, id="within arithmetic"),
        pytest.param("closed_at <= add_working_days(received_at, fee)", False, id="days of an attribute"),
    ],
)
def test_the_clock_is_seen_through_functions(text: str, uses_now: bool) -> None:
    condition = parse_condition(text, DOSSIER)
    assert (condition.uses_now, condition.loose == "true") == (uses_now, uses_now)
