"""A queue in which people take turns, however many queries each of them has submitted."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ioc.errors import IocError
from ioc.messages import Message

MAX_WAITING = 60
MAX_WAITING_PER_PERSON = 12

Item = TypeVar("Item")


class QueueFull(IocError):
    """Too many queries are waiting."""


@dataclass
class FairQueue(Generic[Item]):
    """Waiting queries, in order for each person.

    The person who has waited longest for a turn comes next.
    """

    waiting: OrderedDict[str, deque[Item]] = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        return sum(len(own) for own in self.waiting.values())

    def put(self, person: str, item: Item) -> None:
        """Append an item to a person's queue.

        Raises QueueFull.
        """
        own = self.waiting.get(person, ())
        if len(own) >= MAX_WAITING_PER_PERSON:
            raise QueueFull(Message("own_queries_queued", count=len(own)))
        if len(self) >= MAX_WAITING:
            raise QueueFull(Message("queries_queued", count=len(self)))
        self.waiting.setdefault(person, deque()).append(item)

    def take(self, running: Collection[str]) -> tuple[str, Item] | None:
        """Remove and return the next (person, item), or None when nothing waits.

        `running` are people with a running query; they get another only when nobody else waits. The person then
        moves to the end of the round.
        """
        person = next((one for one in self.waiting if one not in running), next(iter(self.waiting), None))
        if person is None:
            return None
        own = self.waiting[person]
        item = own.popleft()
        del self.waiting[person]
        if own:
            self.waiting[person] = own
        return person, item

    def remove(self, item: Item) -> bool:
        """Remove an item; return whether it was waiting."""
        for person, own in self.waiting.items():
            if item in own:
                own.remove(item)
                if not own:
                    del self.waiting[person]
                return True
        return False

    def ahead_of(self, item: Item) -> int:
        """Return how many items would run before this one if no others came."""
        rounds = [list(own) for own in self.waiting.values()]
        order: list[Item] = []
        for number in range(max((len(own) for own in rounds), default=0)):
            order += [own[number] for own in rounds if number < len(own)]
        return order.index(item) if item in order else 0
