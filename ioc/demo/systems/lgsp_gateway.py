"""Push the integration platform's transactions over HTTP every 5 seconds, and later what it missed."""

import httpx
import orjson

from ioc.demo.calendar import MS_A_DAY, MS_A_MINUTE
from ioc.demo.feeds import FeedBlocked, Rhythm
from ioc.demo.habits import PushesTwice, TextForNumber
from ioc.demo.places import World
from ioc.demo.world import lgsp

SOURCE = "lgsp"


class LgspGateway:
    """Pushes to `POST {address}` with the source's token."""

    name = SOURCE
    rhythm = Rhythm(step_ms=lgsp.STEP_MS, memory_ms=MS_A_DAY, piece_ms=30 * MS_A_MINUTE, shift_ms=300)

    def __init__(self, world: World, client: httpx.AsyncClient, address: str, token: str) -> None:
        self._world, self._client, self._address = world, client, address
        self._authorization = f"Bearer {token}"
        self._twice, self._text = PushesTwice(), TextForNumber()

    async def send(self, from_ms: int, to_ms: int) -> None:
        """Push an interval in steps of 5 s, or of a minute for what was missed. Raises FeedBlocked."""
        step_ms = lgsp.STEP_MS if to_ms - from_ms <= MS_A_MINUTE else MS_A_MINUTE
        records = list(lgsp.readings(self._world, from_ms, to_ms, step_ms).records(self._world))
        if not records:
            return
        records += self._text.added(self._world, records[0], from_ms)
        body = orjson.dumps(records)
        for _ in range(2 if self._twice.twice(self._world, from_ms) else 1):
            await self._push(body, f"{SOURCE}-{from_ms}-{to_ms}")

    async def _push(self, body: bytes, key: str) -> None:
        headers = {
            "Authorization": self._authorization,
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        try:
            answer = await self._client.post(self._address, content=body, headers=headers)
        except httpx.HTTPError as fault:
            raise FeedBlocked(f"{self._address} does not answer: {fault!r}") from fault
        if answer.status_code != httpx.codes.ACCEPTED:
            raise FeedBlocked(f"{self._address} answered {answer.status_code}: {answer.text[:200]}")
