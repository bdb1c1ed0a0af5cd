"""Close open websockets whose session or token has ended, or whose person was disabled or has another role."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from ioc.errors import StoreUnavailable
from ioc.model.person import Caller
from ioc.people import Credential, CredentialKind, People

log = logging.getLogger("ioc.api")

CHECK_INTERVAL_S = 0.4
ENDED_CODE = 4401
"""Close code: the page must request its session again. The reason is one of the codes below."""
ROLE_CHANGED = "role_changed"
_ENDED = {
    CredentialKind.SESSION: "session_ended",
    CredentialKind.DISPLAY: "display_ended",
    CredentialKind.TOKEN: "token_ended",
}


@dataclass(eq=False)
class WatchedSocket:
    """An open websocket. `end` is called with the reason, in the event loop, at most once."""

    credential: Credential
    caller: Caller
    end: Callable[[str], None]


class IdentityWatch:
    """Checks all open websockets every 0.4 s. Belongs to the event loop."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._sockets: set[WatchedSocket] = set()
        self._checking: asyncio.Task[None] | None = None

    def add(self, socket: WatchedSocket) -> None:
        """Begin to watch a websocket."""
        self._sockets.add(socket)
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check_while_needed())

    def remove(self, socket: WatchedSocket) -> None:
        """Stop watching a websocket."""
        self._sockets.discard(socket)

    async def _check_while_needed(self) -> None:
        while self._sockets:
            await asyncio.sleep(CHECK_INTERVAL_S)
            # While the file of people cannot be read, websockets stay open; new requests fail by themselves.
            with suppress(StoreUnavailable):
                await self.check()

    async def check(self) -> None:
        """End websockets whose credential is no longer valid. Raises StoreUnavailable."""
        wanted = {socket.credential for socket in self._sockets}
        callers = await asyncio.to_thread(self._people.identities.callers, wanted)
        for socket in list(self._sockets):
            if socket.credential not in callers:
                continue  # it was added during the check
            now = callers[socket.credential]
            if now == socket.caller:
                continue
            self._sockets.discard(socket)
            reason = _ENDED[socket.credential.kind] if now is None else ROLE_CHANGED
            log.info("A websocket of %s ends: %s", socket.caller.name, reason)
            socket.end(reason)
