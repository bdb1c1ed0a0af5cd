"""How the tests start Chromium, and the type of the fixture that opens a page."""

from collections.abc import Callable

from playwright.sync_api import Page

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",  # widths as on a screen, also without a window
]


OpenPage = Callable[..., Page]
