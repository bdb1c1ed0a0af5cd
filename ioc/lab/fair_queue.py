"""Whose query runs next: people take turns, whatever each of them has asked for."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ioc.errors import IocError

MOST_WAITING = 60
MOST_WAITING_OF_ONE = 12

Item = TypeVar("Item")


class QueueFull(IocError):
    """Too many queries wait; ask again shortly."""


@dataclass
class Turns(Generic[Item]):
    """Queries that wait, of each person in the order of asking; the person who waited longest for a turn is next."""

    waiting: OrderedDict[str, deque[Item]] = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        return sum(len(own) for own in self.waiting.values())

    def put(self, person: str, item: Item) -> None:
        """Raises QueueFull."""
        own = self.waiting.get(person, ())
        if len(own) >= MOST_WAITING_OF_ONE:
            raise QueueFull(f"{len(own)} of your queries wait already; wait for them, or cancel some.")
        if len(self) >= MOST_WAITING:
            raise QueueFull(f"{len(self)} queries wait already; ask again in a minute.")
        self.waiting.setdefault(person, deque()).append(item)

    def take(self, running: Collection[str]) -> tuple[str, Item] | None:
        """The next one, its person then goes to the end; `running` are people with a query under way, who get another
        only when nobody else waits. None when nothing waits."""
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
        """Whether it was waiting."""
        for person, own in self.waiting.items():
            if item in own:
                own.remove(item)
                if not own:
                    del self.waiting[person]
                return True
        return False

    def ahead_of(self, item: Item) -> int:
        """How many will be taken before it, if nobody else asks."""
        rounds = [list(own) for own in self.waiting.values()]
        order: list[Item] = []
        for number in range(max((len(own) for own in rounds), default=0)):
            order += [own[number] for own in rounds if number < len(own)]
        return order.index(item) if item in order else 0
