"""The historian on a real broker: exactly once through replays, gaps, restarts and wrong logs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from ioc.kafka import create_topics
from ioc.store import Commit, Historian, HistorianCondition, Store, dictionary_codes, read_ledger
from ioc.topics import CASES, DEAD_LETTERS, PANES, READINGS
from ioc.wire import arrow
from ioc.wire.headers import OutputHeaders
from tests.support import raw_batches
from tests.support.broker_topics import PARTITIONS, Agents, remove_topics
from tests.support.store_batches import case, case_versions, one_pane
from tests.support.waiting import until

MINUTE = 30_000_000

pytestmark = pytest.mark.kafka


def readings(store: Store) -> int:
    return int(value(store, "SELECT coalesce(sum(n), 0) FROM day_panes"))


def value(store: Store, query: str) -> Any:
    with store.cursor() as cursor:
        return cursor.execute(query).fetchall()[0][0]


def faults(store: Store, historian: Historian) -> tuple[str, ...]:
    with store.cursor() as cursor:
        return read_ledger(cursor, historian.log_view(), []).faults


def test_outputs_become_panes_cases_and_counts_in_one_commit(
    agents: Agents, historian: Historian, store: Store, commits: list[Commit]
) -> None:
    agents.output(one_pane(MINUTE, n=3), agents.input(), rejected={"not_finite": 2})
    agents.output(case_versions(case(1), case(2)), agents.input(CASES, 1), topic=CASES, partition=1, source="dossiers")
    until(lambda: readings(store) == 3 and value(store, "SELECT count(*) FROM cases") == 2)
    with store.cursor() as cursor:
        ledger = read_ledger(cursor, historian.log_view(), [])
    accounts = {s.source: (s.received, s.applied, dict(s.rejected)) for s in ledger.sources}
    assert accounts == {"sensors": (5, 3, {"not_finite": 2}), "dossiers": (2, 2, {})}
    assert ledger.balanced, ledger.faults
    assert {"air.pm25"} in [c.measures for c in commits]
    assert {"dossier"} in [c.case_types for c in commits]
    assert historian.state().condition is HistorianCondition.LIVE


def test_replays_are_dropped_and_counted_and_gaps_are_held_and_told(
    agents: Agents, historian: Historian, store: Store
) -> None:
    first, second, third = agents.input(), agents.input(), agents.input()
    agents.output(one_pane(MINUTE, n=1), first)
    agents.output(one_pane(MINUTE, n=100), third)
    agents.output(one_pane(MINUTE, n=1), first)
    until(lambda: bool(historian.log_view().gaps))
    gap = historian.log_view().gaps[0]
    assert (gap.topic, gap.partition, gap.from_offset, gap.to_offset) == (READINGS, 0, second, third)
    assert readings(store) == 1
    agents.output(one_pane(MINUTE, n=10), second)
    until(lambda: readings(store) == 111)
    until(lambda: not historian.log_view().gaps)
    assert value(store, "SELECT sum(replayed) FROM source_ledger") == 1
    assert faults(store, historian) == ()


def test_a_restart_in_a_gap_reads_again_what_was_held(agents: Agents, topics: str, store: Store) -> None:
    first, second = agents.input(), agents.input()
    agents.output(one_pane(MINUTE, n=10), second)
    before = Historian(store, topics, {}, lambda _: None)
    before.start()
    until(lambda: bool(before.log_view().gaps))
    before.stop()
    agents.output(one_pane(MINUTE, n=1), first)
    after = Historian(store, topics, {}, lambda _: None)
    after.start()
    until(lambda: readings(store) == 11)
    after.stop()


def test_an_echo_of_a_replaced_writer_is_fenced(agents: Agents, historian: Historian, store: Store) -> None:
    for generation, sequence, n in ((5, 0, 0), (5, 1, 1), (9, 0, 0), (5, 2, 1000), (9, 1, 10), (9, 1, 1000)):
        rows = one_pane(MINUTE, n=n) if n else one_pane(MINUTE).slice(0, 0)
        agents.output(rows, agents.input(), generation=generation, sequence=sequence)
    until(lambda: value(store, "SELECT sum(next_offset) FROM next_offsets") == 6)
    assert readings(store) == 11
    assert value(store, "SELECT sum(fenced) FROM source_ledger") == 2
    assert faults(store, historian) == ()


def test_a_hole_of_the_broker_is_passed_over(agents: Agents, historian: Historian, store: Store, topics: str) -> None:
    producer = KafkaProducer(bootstrap_servers=topics, transactional_id="foreign", acks="all")
    producer.init_transactions()
    producer.begin_transaction()
    offset = producer.send(READINGS, b"", partition=0).get(timeout=10).offset
    producer.commit_transaction()  # its marker takes an offset that no agent will ever see
    producer.close()
    until(lambda: historian.log_view().ends.get((READINGS, 0)) == offset + 2)
    agents.output(one_pane(MINUTE, n=1), offset)
    behind = agents.input()
    assert behind == offset + 2
    agents.output(one_pane(MINUTE, n=10), behind)
    until(lambda: readings(store) == 11)
    assert value(store, "SELECT count(*) FROM losses") == 0


def test_expired_inputs_are_lost_and_told(agents: Agents, historian: Historian, store: Store, topics: str) -> None:
    agents.output(one_pane(MINUTE, n=1), agents.input())
    for _ in range(3):
        agents.input()
    admin = KafkaAdminClient(bootstrap_servers=topics)
    admin.delete_records({TopicPartition(READINGS, 0): 3})
    admin.close()
    agents.output(one_pane(MINUTE, n=10), 3)
    until(lambda: readings(store) == 11)
    with store.cursor() as cursor:
        ledger = read_ledger(cursor, historian.log_view(), [])
    assert [(loss.from_offset, loss.to_offset) for loss in ledger.losses] == [(1, 3)]
    assert not ledger.balanced
    assert ledger.faults[0].startswith(f"Offsets 1 to 2 of {READINGS} partition 0 are lost")


def test_new_partitions_are_picked_up(agents: Agents, historian: Historian, store: Store, topics: str) -> None:
    agents.output(one_pane(MINUTE, n=1), agents.input())
    until(lambda: readings(store) == 1)
    admin = KafkaAdminClient(bootstrap_servers=topics)
    admin.create_partitions({READINGS: PARTITIONS + 1, PANES: PARTITIONS + 1})
    admin.close()
    until(lambda: (READINGS, PARTITIONS) in historian.log_view().ends)
    other = Agents(topics)
    other.output(one_pane(MINUTE, n=10), other.input(partition=PARTITIONS), partition=PARTITIONS, source="other")
    other.close()
    until(lambda: readings(store) == 11)


def test_recreated_topics_begin_anew_and_half_a_pair_is_refused(
    agents: Agents, historian: Historian, store: Store, topics: str
) -> None:
    for _ in range(3):
        agents.output(one_pane(MINUTE, n=1), agents.input())
    until(lambda: readings(store) == 3)
    remove_topics(topics, (READINGS,))
    create_topics(topics, {}, PARTITIONS)
    until(lambda: historian.state().condition is HistorianCondition.REFUSED)
    assert f"Topic {READINGS} was re-created" in historian.state().error
    remove_topics(topics, (PANES,))
    create_topics(topics, {}, PARTITIONS)
    until(lambda: historian.state().condition is HistorianCondition.LIVE)
    again = Agents(topics)
    again.output(one_pane(MINUTE, n=10), again.input(), generation=2)
    again.close()
    until(lambda: readings(store) == 13)
    assert value(store, "SELECT any_value(why) FROM losses") == "the topic was re-created"


def test_dead_letters_are_stored_once(agents: Agents, historian: Historian, store: Store) -> None:
    headers = [
        ("ioc-source", b"sensors"), ("source-topic", READINGS.encode()), ("source-partition", b"0"),
        ("source-offset", b"7"), ("ioc-index", b"3"), ("ioc-field", b"value"), ("ioc-reason", b"not_finite"),
        ("ioc-message", b"value is NaN."), ("ioc-time", b"2026-11-22T03:00:00.000Z"),
    ]  # fmt: skip
    for key in (b"a:0:7:3", b"a:0:7:3", b"a:0:7:4"):
        agents.send(DEAD_LETTERS, 0, b'{"value": NaN}', headers, key)
    until(lambda: value(store, "SELECT count(*) FROM dead_letters") == 2)
    agents.send(DEAD_LETTERS, 0, b'{"value": NaN}', headers, b"a:0:7:3")
    until(lambda: value(store, f"SELECT max(next_offset) FROM resume_offsets WHERE topic = '{DEAD_LETTERS}'") == 4)
    with store.cursor() as cursor:
        row = cursor.execute(
            'SELECT source, reason, "offset", "index", content, "at" FROM dead_letters WHERE "key" = \'a:0:7:3\''
        ).fetchall()
    assert row == [
        ("sensors", "not_finite", 7, 3, b'{"value": NaN}', datetime(2026, 11, 22, 3, tzinfo=UTC).replace(tzinfo=None))
    ]


def test_an_unreadable_output_counts_as_missing_until_it_comes_whole(
    agents: Agents, historian: Historian, store: Store
) -> None:
    first, second = agents.input(), agents.input()
    head = OutputHeaders(READINGS, 0, first, "sensors", 1, 0, 1, 1, 0, {}, MINUTE * 60_000)
    agents.send(PANES, 0, b"cut off", head.encode())
    agents.output(one_pane(MINUTE, n=10), second)
    until(lambda: bool(historian.log_view().gaps))
    agents.output(one_pane(MINUTE, n=1), first)
    until(lambda: readings(store) == 11)
    assert value(store, "SELECT count(*) FROM losses") == 0


def letter_headers(**changed: bytes) -> list[tuple[str, bytes]]:
    headers = {
        "ioc-source": b"sensors", "source-topic": READINGS.encode(), "source-partition": b"0", "source-offset": b"7",
        "ioc-index": b"3", "ioc-field": b"value", "ioc-reason": b"not_finite", "ioc-message": b"value is NaN.",
        "ioc-time": b"2026-11-22T03:00:00.000Z",
    }  # fmt: skip
    return list((headers | {name.replace("_", "-"): value for name, value in changed.items()}).items())


LETTERS_OF_NOBODY = [
    letter_headers(ioc_time=b"0001-01-01T00:00:00+14:00"),
    letter_headers(ioc_time=b"9999-12-31T23:59:59-14:00"),
    letter_headers(source_offset=b"99999999999999999999"),
    letter_headers(ioc_index=b"-9223372036854775809"),
    letter_headers(ioc_cut=b"1" * 400),
    letter_headers(ioc_reason=b"because"),
]


def test_what_no_column_holds_is_one_dead_letter_each_and_the_rest_is_applied(
    agents: Agents, historian: Historian, store: Store, topics: str
) -> None:
    for number, headers in enumerate(LETTERS_OF_NOBODY):
        agents.send(DEAD_LETTERS, 0, b"of nobody", headers, b"%d" % number)
    first = agents.input()
    head = OutputHeaders(READINGS, 0, first, "sensors", 1, 0, 1, 1, 0, {}, MINUTE * 60_000)
    forged = (
        replace(head, received=2**62, duplicate=2**62 - 1),
        replace(head, offset=2**62),
        replace(head, topic="ioc.other.v1"),
        replace(head, partition=1),
        replace(head, generation=2**63 - 1),
    )
    for wrong in forged:
        agents.send(PANES, 0, arrow.encode(one_pane(MINUTE, n=1)), wrong.encode())
    agents.send(PANES, 0, arrow.encode(one_pane(2**31 - 1, n=1)), head.encode())
    raw_batches.send(topics, PANES, 0, raw_batches.bomb())
    agents.output(one_pane(MINUTE, n=1), first)
    until(lambda: readings(store) == 1)
    set_aside = len(forged) + 2
    until(lambda: value(store, "SELECT count(*) FROM dead_letters") == len(LETTERS_OF_NOBODY) + set_aside)
    assert historian.state().condition is HistorianCondition.LIVE
    assert faults(store, historian) == ()
    rows = value(store, f'SELECT list("offset" ORDER BY "offset") FROM dead_letters WHERE topic = \'{PANES}\'')
    assert rows == list(range(set_aside)), "each with its own offset"
    assert value(store, "SELECT sum(received) FROM source_ledger WHERE source = 'kafka'") == 13


def test_what_the_store_cannot_hold_is_set_aside_with_its_bytes(
    agents: Agents, historian: Historian, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents.output(one_pane(MINUTE, n=1), agents.input())
    until(lambda: readings(store) == 1)
    monkeypatch.setitem(dictionary_codes._MAX_CODES, "measure", 1)
    agents.output(one_pane(MINUTE, n=10), agents.input())
    agents.output(one_pane(MINUTE, measure="noise.level", n=100), agents.input(), rejected={"not_finite": 2})
    agents.output(one_pane(MINUTE, n=1000), agents.input())
    until(lambda: value(store, "SELECT sum(next_offset) FROM next_offsets") == 4)
    assert readings(store) == 1011
    with store.cursor() as cursor:
        [letter] = cursor.execute('SELECT "offset", reason, message FROM dead_letters').fetchall()
        ledger = read_ledger(cursor, historian.log_view(), [])
    assert letter[:2] == (2, "not_storable")
    assert "noise.level" in letter[2]
    assert [(s.received, s.applied, dict(s.rejected)) for s in ledger.sources] == [
        (1113, 1011, {"not_finite": 2, "not_storable": 100})
    ]
    assert ledger.balanced, ledger.faults
    assert historian.state().condition is HistorianCondition.LIVE


def test_a_store_ahead_of_its_log_goes_back_to_the_end_and_says_what_is_gone(
    agents: Agents, topics: str, store: Store
) -> None:
    agents.output(one_pane(MINUTE, n=1), agents.input())
    before = Historian(store, topics, {}, lambda _: None)
    before.start()
    until(lambda: readings(store) == 1)
    before.stop()
    with store.cursor() as cursor:  # as if the log had lost its end: the store has read on to input 5 and output 7
        cursor.execute("INSERT INTO progress VALUES (50, 'applied', ?, 0, 5), (50, 'read', ?, 0, 7)", [READINGS, PANES])
    after = Historian(store, topics, {}, lambda _: None)
    after.start()
    until(lambda: bool(value(store, "SELECT count(*) FROM losses")))
    for n in (10, 100):
        agents.output(one_pane(MINUTE, n=n), agents.input())
    until(lambda: readings(store) == 111)
    with store.cursor() as cursor:
        ledger = read_ledger(cursor, after.log_view(), [])
    after.stop()
    assert [(loss.from_offset, loss.to_offset) for loss in ledger.losses] == [(1, 5)]
    [fault] = ledger.coded_faults
    assert fault.code == "log_cut"
    assert "check Kafka's disk" in fault.detail


def test_an_output_that_cannot_be_read_is_a_loss_once_the_next_has_come(
    agents: Agents, historian: Historian, store: Store
) -> None:
    first, second = agents.input(), agents.input()
    agents.send(
        PANES, 0, b"cut off", OutputHeaders(READINGS, 0, first, "sensors", 1, 0, 1, 1, 0, {}, MINUTE * 60_000).encode()
    )
    agents.output(one_pane(MINUTE, n=10), second)
    until(lambda: readings(store) == 10)
    assert [fault.split(":")[0] for fault in faults(store, historian)] == [
        f"Offsets {first} to {first} of {READINGS} partition 0 were not applied"
    ]


def test_a_partition_that_stands_still_is_a_fault_within_ten_seconds(
    agents: Agents, historian: Historian, store: Store
) -> None:
    agents.input()
    agents.input()
    until(lambda: bool(list(historian.faults())), timeout_s=10)
    [fault] = historian.faults()
    assert (fault.code, fault.params["waiting"], fault.params["first"]) == ("partition_stalled", 2, 0)
    agents.output(one_pane(MINUTE, n=1), 0)
    agents.output(one_pane(MINUTE, n=1), 1)
    until(lambda: not list(historian.faults()))


def test_an_output_topic_made_again_is_read_on_where_its_inputs_stand(
    agents: Agents, historian: Historian, store: Store, topics: str
) -> None:
    agents.output(one_pane(MINUTE, n=1), agents.input())
    until(lambda: readings(store) == 1)
    remove_topics(topics, (PANES,))
    create_topics(topics, {}, PARTITIONS)
    again = Agents(topics)
    again.output(one_pane(MINUTE, n=10), again.input())
    again.close()
    until(lambda: readings(store) == 11)
    assert faults(store, historian) == ()
