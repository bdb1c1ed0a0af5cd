"""The reference at /docs in a real browser, under the centre's content policy."""

from pathlib import Path

import pytest
from playwright.async_api import async_playwright

CHROMIUM = Path(__file__).parents[3] / ".build" / "chromium"


@pytest.mark.browser
async def test_the_reference_is_shown_and_asks_no_other_host(port: int) -> None:
    asked: list[str] = []
    faults: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        await page.goto(f"http://127.0.0.1:{port}/docs")
        await page.get_by_text("/api/v1/ingest/{source}", exact=True).first.wait_for(timeout=20_000)
        await page.get_by_text("/api/v1/ingest/{source}", exact=True).first.click()
        await page.get_by_role("button", name="Try it out").wait_for(timeout=20_000)
        await browser.close()
    assert faults == []
    assert {url.split("/")[2] for url in asked if not url.startswith("data:")} == {f"127.0.0.1:{port}"}
