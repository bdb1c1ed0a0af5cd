"""Check the fields of one record: present, of the right type, known to the catalogue, and possible."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ioc.clock import from_ms, to_ms
from ioc.errors import RecordUnfit
from ioc.messages import Message
from ioc.model.case import Case
from ioc.model.number_text import exact_text
from ioc.model.reading import Reading
from ioc.model.rejection import Reason
from ioc.model.vocabulary import MAX_AHEAD, Vocabulary
from ioc.model.window import BEGINNING
from ioc.wire.attributes import check_attributes, is_utf8
from ioc.wire.lenient_json import readable, shown
from ioc.wire.whole_days import is_whole_day, within_day

READING_FIELDS = frozenset({"measure", "unit", "subject", "time", "value"})
CASE_FIELDS = frozenset(
    {
        "case_type",
        "case_id",
        "unit",
        "status",
        "channel",
        "service",
        "received_at",
        "due_at",
        "closed_at",
        "updated_at",
        "attributes",
    }
)
_MAX_TERM_LENGTH = 200


def check_reading(record: Mapping[str, Any], vocabulary: Vocabulary, now: datetime) -> Reading:
    """Return the reading of a record. Raises RecordUnfit with the reason, the field and a sentence."""
    _no_other_fields(record, READING_FIELDS)
    measure = vocabulary.measures.get(_term(record, "measure"))
    if measure is None:
        raise RecordUnfit(Reason.UNKNOWN_MEASURE, "measure", Message("measure_unknown", given=record["measure"]))
    unit = _unit(record, vocabulary)
    subject = _term(record, "subject", required=False)
    time = _past(record, "time", now)
    value = record.get("value")
    if value is None:
        raise RecordUnfit(Reason.MISSING_FIELD, "value", Message("value_missing"))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RecordUnfit(Reason.WRONG_TYPE, "value", Message("value_not_number", given=shown(value)))
    if not _is_finite(value):
        raise RecordUnfit(Reason.NOT_FINITE, "value", Message("value_not_finite", given=shown(value)))
    if not measure.least <= value <= measure.most:
        given, least, most = (exact_text(one, "en") for one in (value, measure.least, measure.most))
        raise RecordUnfit(
            Reason.OUT_OF_RANGE,
            "value",
            Message(
                "value_out_of_range",
                given=given,
                unit=measure.unit_of_measure,
                least=least,
                most=most,
                measure=measure.id,
            ),
        )
    return Reading(measure.id, unit, time, float(value), subject)


def check_case(record: Mapping[str, Any], vocabulary: Vocabulary, now: datetime) -> Case:
    """Return the case version of a record. Raises RecordUnfit with the reason, the field and a sentence."""
    _no_other_fields(record, CASE_FIELDS)
    case_type = vocabulary.case_types.get(_term(record, "case_type"))
    if case_type is None:
        raise RecordUnfit(
            Reason.UNKNOWN_CASE_TYPE, "case_type", Message("case_type_unknown", given=record["case_type"])
        )
    case_id = _term(record, "case_id")
    unit = _unit(record, vocabulary)
    status = _term(record, "status")
    if status not in case_type.statuses:
        raise RecordUnfit(
            Reason.UNKNOWN_STATUS,
            "status",
            Message("status_unknown", given=status, known=", ".join(case_type.statuses)),
        )
    received_at = _past(record, "received_at", now)
    updated_at = _past(record, "updated_at", now)
    closed_at = _past(record, "closed_at", now) if record.get("closed_at") is not None else None
    if closed_at is not None:
        closed_at = _within_day(closed_at, received_at)
    updated_at = _within_day(updated_at, *filter(None, (received_at, closed_at)))
    if closed_at is not None and closed_at < received_at:
        raise RecordUnfit(Reason.TIME_ORDER, "closed_at", Message("closed_before_received"))
    return Case(
        case_type=case_type.id,
        case_id=case_id,
        unit=unit,
        status=status,
        received_at=received_at,
        updated_at=updated_at,
        channel=_term(record, "channel", required=False),
        service=_term(record, "service", required=False),
        due_at=_time(record, "due_at") if record.get("due_at") is not None else None,
        closed_at=closed_at,
        attributes=check_attributes(record.get("attributes"), case_type),
    )


def _within_day(moment: datetime, *others: datetime) -> datetime:
    return from_ms(within_day(to_ms(moment), *map(to_ms, others))) if is_whole_day(to_ms(moment)) else moment


def _no_other_fields(record: Mapping[str, Any], known: frozenset[str]) -> None:
    for name in record:
        if name not in known:
            raise RecordUnfit(Reason.UNKNOWN_FIELD, readable(name), Message("field_unknown", given=shown(name)))


def _term(record: Mapping[str, Any], field: str, *, required: bool = True) -> str:
    term = record.get(field)
    if term is None or term == "":
        if required:
            raise RecordUnfit(Reason.MISSING_FIELD, field, Message("field_missing", field=field))
        return ""
    if not isinstance(term, str):
        raise RecordUnfit(Reason.WRONG_TYPE, field, Message("field_not_text", field=field, given=shown(term)))
    if not is_utf8(term):
        raise RecordUnfit(Reason.WRONG_TYPE, field, Message("field_not_readable", field=field, given=shown(term)))
    if len(term) > _MAX_TERM_LENGTH:
        raise RecordUnfit(Reason.TOO_LARGE, field, Message("field_long", field=field, max=_MAX_TERM_LENGTH))
    return term


def _unit(record: Mapping[str, Any], vocabulary: Vocabulary) -> str:
    unit = _term(record, "unit")
    if unit not in vocabulary.units:
        raise RecordUnfit(Reason.UNKNOWN_UNIT, "unit", vocabulary.unknown_unit(unit))
    return unit


def _time(record: Mapping[str, Any], field: str) -> datetime:
    """Parse RFC 3339 text with a time zone, or whole milliseconds since 1970 UTC."""
    given = record.get(field)
    if given is None:
        raise RecordUnfit(Reason.MISSING_FIELD, field, Message("field_missing", field=field))
    if isinstance(given, int) and not isinstance(given, bool):
        try:
            return from_ms(given)
        except (OverflowError, OSError, ValueError):
            raise RecordUnfit(
                Reason.WRONG_TYPE, field, Message("field_not_milliseconds", field=field, given=shown(given))
            ) from None
    if not isinstance(given, str):
        raise RecordUnfit(Reason.WRONG_TYPE, field, Message("field_not_time", field=field, given=shown(given)))
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise RecordUnfit(
            Reason.WRONG_TYPE, field, Message("field_not_time", field=field, given=shown(given))
        ) from None
    if moment.tzinfo is None:
        raise RecordUnfit(Reason.NO_TIME_ZONE, field, Message("field_no_zone", field=field, given=given))
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise RecordUnfit(Reason.WRONG_TYPE, field, Message("field_no_calendar", field=field, given=given)) from None


def _past(record: Mapping[str, Any], field: str, now: datetime) -> datetime:
    moment = _time(record, field)
    if moment > now + MAX_AHEAD:
        raise RecordUnfit(
            Reason.TIME_IN_FUTURE, field, Message("field_in_future", field=field, given=moment.isoformat())
        )
    if moment < BEGINNING:
        raise RecordUnfit(Reason.TIME_TOO_OLD, field, Message("field_too_old", field=field, given=moment.isoformat()))
    return moment


def _is_finite(number: float) -> bool:
    """Return False also for a whole number beyond what a double holds."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False
