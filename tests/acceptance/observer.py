"""What a running centre reports about itself over HTTP, second by second."""

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from tests.support.running_centre import RunningCentre

LOOK_EVERY_S = 0.2
UNREACHABLE = "unreachable"


@dataclass
class Observer:
    """`said` holds the last time (monotonic seconds) of each word: codes of `/readyz`, `/api/v1/status` and the ledger,
    `source:condition` of sources that are not live, `rejected:source` when the ledger counts more refusals than before,
    `unreachable`. `applied` has the ledger's count of each source,
    `reported` when its runner last said how it stands (seconds since 1970)."""

    centre: RunningCentre
    said: dict[str, float] = field(default_factory=dict)
    applied: dict[str, int] = field(default_factory=dict)
    reported: dict[str, float] = field(default_factory=dict)
    looked_s: float = 0.0
    _rejected: dict[str, int] = field(default_factory=dict)

    def since(self, began_s: float) -> set[str]:
        """Words said at `began_s` or later."""
        return {word for word, at_s in self.said.copy().items() if at_s >= began_s}

    def first_of(self, words: Collection[str], began_s: float) -> str | None:
        """One of `words` that was said since `began_s`; a word that ends in `:` stands for all that begin with it."""
        said = self.since(began_s)
        return next((one for one in said for word in words if one == word or (word[-1] == ":" and word in one)), None)

    @property
    def is_whole(self) -> bool:
        """Whether the last look found no fault but a loss on record; sources may still be silent."""
        return not any(":" not in word for word in self.since(self.looked_s) - {"log_cut"})

    def look(self, client: httpx.Client) -> None:
        began_s = time.monotonic()
        self._look(client, began_s)
        self.looked_s = began_s

    def _look(self, client: httpx.Client, began_s: float) -> None:
        self._say(began_s, (fault["code"] for fault in self._ask(client, "/readyz", began_s).get("errors", ())))
        status = self._ask(client, "/api/v1/status", began_s)
        self._say(began_s, (fault["code"] for fault in [*status.get("faults", ()), *status.get("notices", ())]))
        sources = self._ask(client, "/api/v1/sources", began_s).get("sources", ())
        self.reported.update((s["source"], datetime.fromisoformat(s["reported_at"]).timestamp()) for s in sources)
        self._say(began_s, (f"{s['source']}:{s['condition']}" for s in sources if s["condition"] != "live"))
        ledger = self._ask(client, "/api/v1/ledger", began_s)
        self._say(began_s, (fault["code"] for fault in ledger.get("coded_faults", ())))
        for account in ledger.get("sources", ()):
            name, rejected = account["source"], sum(account["rejected"].values())
            self.applied[name] = account["applied"]
            if rejected > self._rejected.get(name, 0):
                self._say(began_s, [f"rejected:{name}"])
            self._rejected[name] = rejected

    def _ask(self, client: httpx.Client, path: str, began_s: float) -> dict[str, Any]:
        try:
            found = client.get(f"{self.centre.address}{path}", timeout=2).json()
        except (httpx.HTTPError, ValueError):
            self._say(began_s, [UNREACHABLE])
            return {}
        return found if isinstance(found, dict) else {}

    def _say(self, at_s: float, words: Any) -> None:
        self.said.update(dict.fromkeys(words, at_s))


@contextmanager
def observing(centre: RunningCentre) -> Iterator[Observer]:
    """Look again and again in a thread until the end."""
    observer, ending = Observer(centre), threading.Event()

    def work() -> None:
        with httpx.Client(verify=False) as client:
            while not ending.wait(LOOK_EVERY_S):
                with suppress(OSError):
                    observer.look(client)

    looking = threading.Thread(target=work, daemon=True)
    looking.start()
    try:
        yield observer
    finally:
        ending.set()
        looking.join()
