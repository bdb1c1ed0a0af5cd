"""Have inputs processed again whose outputs are gone, for example because an output topic was deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kafka import KafkaAdminClient
from kafka import TopicPartition as KafkaPartition
from kafka.errors import CoordinatorNotAvailableError, KafkaError, NoError
from kafka.structs import OffsetAndMetadata

from ioc.errors import BrokerUnavailable
from ioc.kafka import connection
from ioc.messages import Message
from ioc.topics import STREAMS_GROUP, TopicPartition


@dataclass(frozen=True)
class Repair:
    """What was repaired.

    `behind` are by partition the offsets [from, to) of inputs that the workers have processed and the store has not
    applied. `is_done`: the workers will process them again; False while they run and therefore keep their offsets.
    """

    behind: Mapping[TopicPartition, tuple[int, int]]
    is_done: bool


def rewind_workers(bootstrap: str, security: Mapping[str, str], applied: Mapping[TopicPartition, int]) -> Repair:
    """Set the workers' offsets back to what the store has `applied`; the store drops what they repeat.

    Kafka accepts that only while no worker runs. Raises BrokerUnavailable.
    """
    try:
        admin = KafkaAdminClient(**connection(bootstrap, security))
        try:
            committed = admin.list_group_offsets({STREAMS_GROUP: None}).get(STREAMS_GROUP, {})
            behind = {
                (place.topic, place.partition): (applied[place.topic, place.partition], found.offset)
                for place, found in committed.items()
                if applied.get((place.topic, place.partition), found.offset) < found.offset
            }
            if not behind:
                return Repair({}, is_done=True)
            back = {KafkaPartition(*place): OffsetAndMetadata(first, "", -1) for place, (first, _) in behind.items()}
            answers = admin.alter_group_offsets(STREAMS_GROUP, back)
            return Repair(behind, is_done=all(answer is NoError for answer in answers.values()))
        finally:
            admin.close()
    except CoordinatorNotAvailableError:  # no group has ever read here
        return Repair({}, is_done=True)
    except (KafkaError, OSError) as fault:
        raise BrokerUnavailable(Message("workers_not_reset", address=bootstrap, reason=str(fault))) from fault
