"""Messages known again by topic."""

from connectors.mqtt.last_messages import MAX_SAVED, LastMessages, digest_of


def test_the_last_message_of_a_topic_is_known_and_the_one_before_is_not() -> None:
    last = LastMessages()
    for payload in (b"1", b"2"):
        last.learn("a/1", digest_of("a/1", payload))
    assert [last.knows(digest_of("a/1", payload)) for payload in (b"1", b"2")] == [False, True]
    assert not last.knows(digest_of("a/2", b"2"))


def test_it_is_known_after_a_new_start_and_replaced_by_the_next() -> None:
    last = LastMessages()
    last.learn("a/1", digest_of("a/1", b"1"))
    again = LastMessages(last.to_text())
    assert again.knows(digest_of("a/1", b"1"))
    for number in range(MAX_SAVED):
        again.learn(f"b/{number}", digest_of(f"b/{number}", b"1"))
    later = LastMessages(again.to_text())
    assert not later.knows(digest_of("a/1", b"1")), "only so many are kept"
    assert later.knows(digest_of("b/0", b"1"))


def test_what_was_not_kept_is_forgotten() -> None:
    last = LastMessages()
    last.learn("a/1", digest_of("a/1", b"1"))
    last.forget("a/1")
    assert not last.knows(digest_of("a/1", b"1"))
    assert last.to_text() == ""
