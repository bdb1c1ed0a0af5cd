"""Full names behind accounts, read seldom and never in the way."""

from datetime import UTC, datetime, timedelta

from ioc.clock import FixedClock
from ioc.errors import StoreUnavailable
from ioc.messages import Message
from ioc.model.person import Person, Role
from ioc.people.full_names import FullNames


def test_names_are_read_every_half_minute_and_outlast_a_damaged_file() -> None:
    clock, asked = FixedClock(datetime(2026, 11, 22, tzinfo=UTC)), []
    people = [Person("lan", "Nguyễn Thị Lan", Role.OPERATOR)]

    def accounts() -> list[Person]:
        asked.append(clock.now())
        if len(asked) > 2:
            raise StoreUnavailable(Message.of("The file is damaged."))
        return list(people)

    names = FullNames(accounts, clock)
    assert [names("lan"), names("admin-token"), len(asked)] == ["Nguyễn Thị Lan", "admin-token", 1]
    people[0] = Person("lan", "Trần Thị Lan", Role.OPERATOR)
    clock.moment += timedelta(seconds=29)
    assert names("lan") == "Nguyễn Thị Lan"
    clock.moment += timedelta(seconds=1)
    assert names("lan") == "Trần Thị Lan"
    clock.moment += timedelta(seconds=30)
    assert (names("lan"), len(asked)) == ("Trần Thị Lan", 3)
