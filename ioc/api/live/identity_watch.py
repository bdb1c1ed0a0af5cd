"""Ends open websockets whose caller is no longer who they were: logged out, disabled, another role, a token ended."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from ioc.errors import StoreUnavailable
from ioc.model.person import Caller
from ioc.people import Credential, CredentialKind, People

log = logging.getLogger("ioc.api")

LOOK_EVERY_S = 0.4
ENDED_CODE = 4401
"""Close code: the page has to ask who it is now. The reason is one of the words below."""
ROLE_CHANGED = "role_changed"
_ENDED = {
    CredentialKind.SESSION: "session_ended",
    CredentialKind.DISPLAY: "display_ended",
    CredentialKind.TOKEN: "token_ended",
}


@dataclass(eq=False)
class WatchedSocket:
    """One open websocket; `end` is called with the reason, in the event loop, at most once."""

    credential: Credential
    caller: Caller
    end: Callable[[str], None]


class IdentityWatch:
    """Belongs to the event loop; looks every 0.4 s, for all sockets at once, while there are any."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._sockets: set[WatchedSocket] = set()
        self._looking: asyncio.Task[None] | None = None

    def add(self, socket: WatchedSocket) -> None:
        self._sockets.add(socket)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_while_needed())

    def remove(self, socket: WatchedSocket) -> None:
        self._sockets.discard(socket)

    async def _look_while_needed(self) -> None:
        while self._sockets:
            await asyncio.sleep(LOOK_EVERY_S)
            # A file of people that cannot be read for a moment ends nobody; new requests fail by themselves.
            with suppress(StoreUnavailable):
                await self.look()

    async def look(self) -> None:
        """End what no longer holds. Raises StoreUnavailable."""
        wanted = {socket.credential for socket in self._sockets}
        callers = await asyncio.to_thread(self._people.identities.callers, wanted)
        for socket in list(self._sockets):
            if socket.credential not in callers:
                continue  # it came while we looked
            now = callers[socket.credential]
            if now == socket.caller:
                continue
            self._sockets.discard(socket)
            reason = _ENDED[socket.credential.kind] if now is None else ROLE_CHANGED
            log.info("A websocket of %s ends: %s", socket.caller.name, reason)
            socket.end(reason)
