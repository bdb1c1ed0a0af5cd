"""Authenticate Quack clients and pass their messages to the person's own server process.

The client's token ends here; the process knows another secret. The client's connection id is the proxy's own, so that a
process can be replaced (a newer snapshot, idleness, a runaway query) without the client attaching again. The token is
checked with every statement, so a revoked one stops at once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_hex
from time import monotonic

from ioc.errors import IocError
from ioc.lab.quack.messages import PASSED_ON, Kind, MessageUnfit, QuackMessage, disconnect, done, error
from ioc.lab.quack.process_handle import ProcessGone
from ioc.lab.quack.sessions import NoSession, QuackSession, QuackSessions
from ioc.messages import Message
from ioc.model.person import Caller, Permission

MAX_CONNECTIONS = 32
"""Per person; the least recently used one is closed."""
_CONNECT_WITHIN_S = 10.0


class Refused(IocError):
    """A refusal that the client shows as its error."""


@dataclass(eq=False)
class _Connection:
    """A client's connection.

    `inner` is its id in the process of `session`; `sent_bytes` counts the result of the last statement.
    """

    person: str
    token: str
    greeting: QuackMessage
    id: str = field(default_factory=lambda: token_hex(16).upper())
    session: QuackSession | None = None
    inner: str = ""
    sent_bytes: int = 0
    used_s: float = field(default_factory=monotonic)

    @property
    def stands(self) -> bool:
        """Return whether its process runs and knows the connection."""
        return self.session is not None and not self.session.process.ended and bool(self.inner)


class QuackProxy:
    """The proxy.

    `who` looks up a token, `attached` records each accepted connection; both block.
    """

    def __init__(
        self, sessions: QuackSessions, who: Callable[[str], Caller | None], attached: Callable[[str], None]
    ) -> None:
        self._sessions = sessions
        self._who = who
        self._attached = attached
        self._connections: dict[str, _Connection] = {}

    async def answer(self, data: bytes) -> bytes:
        """Answer one client message; any failure becomes an error message."""
        try:
            message = QuackMessage.read(data)
            if message.kind == Kind.CONNECT:
                return await self._connect(message)
            return await self._pass_on(message)
        except MessageUnfit:
            return error("This is no message of DuckDB's Quack; use duckdb 1.5.5.")
        except (Refused, NoSession) as refusal:
            return error(str(refusal))

    async def _connect(self, message: QuackMessage) -> bytes:
        token = message.token()
        person = await self._asker(token)
        connection = _Connection(person, token, message.with_token(""))
        answer = await self._greet(connection)
        if not connection.inner:
            return answer
        self._keep(connection)
        await asyncio.to_thread(self._attached, person)
        return QuackMessage.read(answer).of_connection(connection.id)

    async def _pass_on(self, message: QuackMessage) -> bytes:
        connection = self._connections.get(message.connection)
        if connection is None:
            raise Refused(Message("quack_connection"))
        if message.kind not in PASSED_ON:
            raise Refused(Message("quack_read_only"))
        connection.used_s = monotonic()
        if message.kind == Kind.PREPARE:
            await self._asker(connection.token)
            connection.sent_bytes = 0
            await self._ensure_process(connection)
        if message.kind == Kind.DISCONNECT:
            del self._connections[connection.id]
            await self._release(connection)
            return done()
        if not connection.stands:
            raise Refused(Message("quack_result_gone"))
        answer = await self._ask(connection, message)
        connection.sent_bytes += len(answer)
        if connection.sent_bytes > self._sessions.limits.bytes:
            await self._release(connection)
            raise Refused(Message("quack_result_large", limit=self._sessions.limits.bytes >> 20))
        return answer

    async def _asker(self, token: str) -> str:
        caller = await asyncio.to_thread(self._who, token)
        if caller is None:
            raise Refused(Message("quack_login"))
        if not caller.may(Permission.ASK_SQL):
            raise Refused(Message("quack_role"))
        return caller.name

    async def _ensure_process(self, connection: _Connection) -> None:
        """Ensure that the connection exists in a running process.

        Raises Refused, NoSession.
        """
        session = await self._sessions.of(connection.person, fresh=True)
        if connection.session is not session or not connection.inner:
            await self._greet(connection)
            if not connection.inner:
                raise Refused(Message("quack_process"))

    async def _greet(self, connection: _Connection) -> bytes:
        session = await self._sessions.of(connection.person, fresh=False)
        greeting = connection.greeting.with_token(session.process.secret)
        answer = await self._asked(connection.person, session, greeting.of_connection(""), _CONNECT_WITHIN_S)
        said = QuackMessage.read(answer)
        connection.session = session
        connection.inner = said.connection if said.kind == Kind.CONNECTED else ""
        return answer

    async def _ask(self, connection: _Connection, message: QuackMessage) -> bytes:
        assert connection.session is not None
        data = message.of_connection(connection.inner)
        return await self._asked(connection.person, connection.session, data, self._sessions.limits.seconds)

    async def _asked(self, person: str, session: QuackSession, data: bytes, within_s: float) -> bytes:
        session.asking += 1
        try:
            return await session.process.ask(data, within_s)
        except TimeoutError as fault:
            await self._sessions.end(person, session, Message("query_stopped", fault=fault.args[0]))
            raise Refused(Message.of(session.why_ended)) from None
        except ProcessGone as fault:
            await self._sessions.end(person, session)
            raise Refused(
                Message.of(session.why_ended) if session.why_ended else Message("try_again", fault=fault.message)
            ) from None
        except asyncio.CancelledError:  # the client is gone: its statement must not run on
            if session.asking == 1:
                await self._sessions.end(person, session, "Its client went away.")
            raise
        finally:
            session.asking -= 1
            session.used_s = monotonic()

    async def _release(self, connection: _Connection) -> None:
        """Release the connection and its result in the process."""
        if connection.session is not None and connection.stands:
            await self._asked(connection.person, connection.session, disconnect(connection.inner), _CONNECT_WITHIN_S)
        connection.inner = ""

    def _keep(self, connection: _Connection) -> None:
        theirs = [known for known in self._connections.values() if known.person == connection.person]
        if len(theirs) >= MAX_CONNECTIONS:
            del self._connections[min(theirs, key=lambda known: known.used_s).id]
        self._connections[connection.id] = connection
