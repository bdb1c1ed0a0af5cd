"""What the centre says of a source whose runner is silent."""

from datetime import timedelta

from ioc.messages import Message
from ioc.model.source import SourceCondition, error_fields
from ioc.server.source_watch import SILENT_AFTER, without_stale
from tests.support.fake_centre import NOW, source_state


def test_a_silent_runner_replaces_the_sentence_with_its_code() -> None:
    failing = source_state(condition=SourceCondition.FAILING, **error_fields(Message("kafka_away", reason="refused")))
    assert without_stale(failing, NOW + SILENT_AFTER) == failing
    stale = without_stale(failing, NOW + SILENT_AFTER + timedelta(seconds=1))
    assert stale.condition is SourceCondition.UNAVAILABLE
    assert (stale.error_code, stale.error_params) == ("source_silent", {})
    assert stale.error == Message("source_silent")
