"""Accessibility faults that axe finds in a page (WCAG 2.2 AA), and content wider or higher than the window."""

from pathlib import Path

from playwright.sync_api import Page

AXE = (Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RULES = [*WCAG, "best-practice"]
RUN = """([tags, off, alike]) => axe.run({ include: [document], exclude: [alike] }, {
    runOnly: tags, rules: off, resultTypes: ['violations'], selectors: false, iframes: false, preload: false })"""
SAME_IN_EVERY_LANGUAGE = {"color-contrast": {"enabled": False}}
"""Rules about colours, which take axe longer than all others together."""
ALIKE = "nav li:nth-child(n+5), tbody tr:nth-child(n+12)"
"""Repeated rows of long lists and tables; only the first ones are checked."""
WIDE = """() => {
    const root = document.documentElement
    const boxes = 'header, nav, section, article, aside, fieldset, .box, .page, .side, .bar, .work'
    const told = [root, ...document.querySelectorAll(boxes)]
        .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => `${e.tagName}.${e.className}`)
    return root.scrollHeight > innerHeight ? [...told, 'the page is higher than the window'] : told
}"""


def violations(page: Page, *, translated: bool = False, rules: list[str] = RULES) -> list[tuple[str, list[str]]]:
    """Return (rule, elements) for each fault.

    `translated`: the same state was already checked in another language.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    result = page.evaluate(RUN, [rules, SAME_IN_EVERY_LANGUAGE if translated else {}, ALIKE])
    assert len(result["passes"]) > 15
    return [(each["id"], [node["html"][:160] for node in each["nodes"]]) for each in result["violations"]]


def wide(page: Page) -> list[str]:
    """Return what scrolls sideways; a desk page must not be higher than its window either."""
    found: list[str] = page.evaluate(WIDE)
    return found
