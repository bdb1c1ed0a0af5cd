"""Check names and passwords: with a growing delay after wrong ones, and at most two at a time."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from secrets import token_urlsafe

from ioc.api.http.problems import RETRY_AFTER_S, Problem
from ioc.messages import Message
from ioc.model.person import Person
from ioc.people import AccountRefused, People
from ioc.people.login_throttle import MAX_DELAY_S, LoginThrottle

BROWSER_COOKIE = "ioc_browser"
"""Cookie of a browser in which an account has logged in before; its attempts are counted apart from its address's."""
_MAX_CHECKS = 2
_MAX_WAITING = 32
_TOO_MANY = Message("login_too_many")


class LoginService:
    """Check passwords for the API. Belongs to the event loop; `sleep` waits for so many seconds."""

    def __init__(self, people: People, key: str, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._people = people
        self._key = key.encode()
        self._sleep = sleep
        self._throttle = LoginThrottle()
        self._hashing = ThreadPoolExecutor(_MAX_CHECKS, thread_name_prefix="login")
        self._waiting = 0

    async def log_in(self, name: str, password: str, address: str, browser: str) -> Person:
        """Return the person with this name and password. `browser` is the cookie BROWSER_COOKIE, empty without one.

        Raises AccountRefused (always with the same sentence), and Problem 429 when too many attempts wait.
        """
        origin = f"browser {browser}" if self._is_marked(browser, name) else f"address {address}"
        loop = asyncio.get_running_loop()
        wait_s = self._throttle.reserve(origin, name, loop.time())
        if wait_s is None or self._waiting >= _MAX_WAITING:
            raise Problem(429, _TOO_MANY, headers={"Retry-After": str(max(RETRY_AFTER_S, round(MAX_DELAY_S)))})
        if wait_s:
            await self._sleep(wait_s)
        self._waiting += 1
        try:
            person = await loop.run_in_executor(self._hashing, self._people.accounts.log_in, name, password)
        except AccountRefused:
            self._throttle.failed(origin, name, loop.time())
            raise
        finally:
            self._waiting -= 1
        self._throttle.succeeded(origin, name)
        return person

    def mark(self, name: str) -> str:
        """Return a new value of BROWSER_COOKIE for an account that has just logged in."""
        number = token_urlsafe(12)
        return f"{number}.{self._signature(number, name)}"

    def _is_marked(self, browser: str, name: str) -> bool:
        number, _, signature = browser.partition(".")
        return hmac.compare_digest(signature.encode("utf-8", "replace"), self._signature(number, name).encode())

    def _signature(self, number: str, name: str) -> str:
        return hmac.new(self._key, f"{number}\n{name}".encode("utf-8", "surrogatepass"), sha256).hexdigest()
