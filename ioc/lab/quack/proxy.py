"""The front: asks the accounts who stands behind a token, and passes messages on to that person's own process.

The client's token ends here: the process knows another secret. The client's connection is the front's own, too, so
that a process may be ended and started anew (a newer snapshot, idleness, a runaway query) without the client attaching
again.
A token is looked up with each statement, so what is revoked or disabled asks nothing more.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_hex
from time import monotonic

from ioc.errors import IocError
from ioc.lab.quack.messages import PASSED_ON, Kind, Message, MessageUnfit, disconnect, done, error
from ioc.lab.quack.process_handle import ProcessGone
from ioc.lab.quack.sessions import NoSeat, Seat, Seats
from ioc.model.person import Caller, Permission

MOST_CONNECTIONS = 32
"""Of one person; the one not used for longest is let go of."""
_CONNECT_WITHIN_S = 10.0


class Refused(IocError):
    """What the client is told in place of an answer."""


@dataclass(eq=False)
class _Connection:
    """`inner` is its id in the process of `seat`; `sent_bytes` counts the result of the last statement."""

    person: str
    token: str
    greeting: Message
    id: str = field(default_factory=lambda: token_hex(16).upper())
    seat: Seat | None = None
    inner: str = ""
    sent_bytes: int = 0
    used_s: float = field(default_factory=monotonic)

    @property
    def stands(self) -> bool:
        """Its process still runs and knows it."""
        return self.seat is not None and not self.seat.process.ended and bool(self.inner)


class Front:
    """`who` looks a token up (it blocks), `attached` hears of each connection that was let in (it blocks, too)."""

    def __init__(self, seats: Seats, who: Callable[[str], Caller | None], attached: Callable[[str], None]) -> None:
        self._seats = seats
        self._who = who
        self._attached = attached
        self._connections: dict[str, _Connection] = {}

    async def answer(self, data: bytes) -> bytes:
        """The answer to one message of a client; whatever is wrong is an error message."""
        try:
            message = Message.read(data)
            if message.kind == Kind.CONNECT:
                return await self._connect(message)
            return await self._pass_on(message)
        except MessageUnfit:
            return error("This is no message of DuckDB's Quack; use duckdb 1.5.5.")
        except (Refused, NoSeat) as refusal:
            return error(str(refusal))

    async def _connect(self, message: Message) -> bytes:
        token = message.token()
        person = await self._asker(token)
        connection = _Connection(person, token, message.with_token(""))
        answer = await self._greet(connection)
        if not connection.inner:
            return answer
        self._keep(connection)
        await asyncio.to_thread(self._attached, person)
        return Message.read(answer).of_connection(connection.id)

    async def _pass_on(self, message: Message) -> bytes:
        connection = self._connections.get(message.connection)
        if connection is None:
            raise Refused("This connection is not known (any more); attach again.")
        if message.kind not in PASSED_ON:
            raise Refused("The lab only reads; nothing is written through Quack.")
        connection.used_s = monotonic()
        if message.kind == Kind.PREPARE:
            await self._asker(connection.token)
            connection.sent_bytes = 0
            await self._sit_down(connection)
        if message.kind == Kind.DISCONNECT:
            del self._connections[connection.id]
            await self._leave(connection)
            return done()
        if not connection.stands:
            raise Refused("The result is not there any more; ask again.")
        answer = await self._ask(connection, message)
        connection.sent_bytes += len(answer)
        if connection.sent_bytes > self._seats.limits.bytes:
            await self._leave(connection)
            raise Refused(f"The result is larger than {self._seats.limits.bytes >> 20} MB; ask for less.")
        return answer

    async def _asker(self, token: str) -> str:
        caller = await asyncio.to_thread(self._who, token)
        if caller is None:
            raise Refused("Authentication failed: make a token with `ioc user token NAME`, or ask for one.")
        if not caller.may(Permission.ASK_SQL):
            raise Refused("Authentication failed: the role of this account may not ask SQL.")
        return caller.name

    async def _sit_down(self, connection: _Connection) -> None:
        """See to it that the connection stands in a process that runs. Raises Refused, NoSeat."""
        seat = await self._seats.of(connection.person, fresh=True)
        if connection.seat is not seat or not connection.inner:
            await self._greet(connection)
            if not connection.inner:
                raise Refused("The process that answers queries does not let the lab in; ask again.")

    async def _greet(self, connection: _Connection) -> bytes:
        seat = await self._seats.of(connection.person, fresh=False)
        greeting = connection.greeting.with_token(seat.process.secret)
        answer = await self._asked(connection.person, seat, greeting.of_connection(""), _CONNECT_WITHIN_S)
        said = Message.read(answer)
        connection.seat = seat
        connection.inner = said.connection if said.kind == Kind.CONNECTED else ""
        return answer

    async def _ask(self, connection: _Connection, message: Message) -> bytes:
        assert connection.seat is not None
        data = message.of_connection(connection.inner)
        return await self._asked(connection.person, connection.seat, data, self._seats.limits.seconds)

    async def _asked(self, person: str, seat: Seat, data: bytes, within_s: float) -> bytes:
        seat.asking += 1
        try:
            return await seat.process.ask(data, within_s)
        except TimeoutError as fault:
            await self._seats.vacate(person, seat, f"The query {fault}.")
            raise Refused(seat.why_ended) from None
        except ProcessGone as fault:
            await self._seats.vacate(person, seat)
            raise Refused(seat.why_ended or f"{fault} Ask again.") from None
        except asyncio.CancelledError:  # the client went away: what it asked for must not run on
            if seat.asking == 1:
                await self._seats.vacate(person, seat, "Its client went away.")
            raise
        finally:
            seat.asking -= 1
            seat.used_s = monotonic()

    async def _leave(self, connection: _Connection) -> None:
        """Have the process let go of the connection, and with it of the result."""
        if connection.seat is not None and connection.stands:
            await self._asked(connection.person, connection.seat, disconnect(connection.inner), _CONNECT_WITHIN_S)
        connection.inner = ""

    def _keep(self, connection: _Connection) -> None:
        theirs = [known for known in self._connections.values() if known.person == connection.person]
        if len(theirs) >= MOST_CONNECTIONS:
            del self._connections[min(theirs, key=lambda known: known.used_s).id]
        self._connections[connection.id] = connection
