"""A browser that remembers whom it asked, and a centre that does what it is told."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.fake_centre import PAGES, FakeCentre

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=20_000)  # a busy machine is no fault of a page

OpenWall = Callable[..., Page]


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """Of one module: while it is open its event loop runs in this thread, where other suites begin their own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def centre() -> Iterator[FakeCentre]:
    assert (PAGES / "index.html").is_file(), "the pages are not built; `npm run build` in ui/ builds them"
    with FakeCentre() as centre:
        yield centre


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenWall]:
    """`open_page(centre, path, width, height)`: the page, a wall once it shows values (unless not `ready`).

    At the end no script may have failed, and nothing may have been asked of another host.
    """
    opened: list[Page] = []
    failures: list[str] = []
    asked: set[str] = set()
    home: set[str] = set()

    def open_page(
        centre: FakeCentre, path: str = "/wall/main", width: int = 1920, height: int = 1080, *, ready: bool = True
    ) -> Page:
        page = browser.new_page(viewport={"width": width, "height": height})
        opened.append(page)
        home.add(urlsplit(centre.address).netloc)
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on(
            "console", lambda message: failures.append(message.text) if "Content Security" in message.text else None
        )
        page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
        page.on("websocket", lambda websocket: asked.add(urlsplit(websocket.url).netloc))
        page.goto(centre.address + path)
        if ready and path.startswith("/wall/main"):
            page.wait_for_selector("[data-ready]", timeout=10_000)
        return page

    yield open_page
    for page in opened:
        page.close()
    assert failures == []
    assert asked <= home
