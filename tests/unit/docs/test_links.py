"""Every relative link of the documentation leads to a file that exists, and to a heading that it has."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

REPOSITORY = Path(__file__).parents[3]
PAGES = sorted(
    {
        *(
            REPOSITORY / name
            for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
        ),
        *REPOSITORY.glob("docs/**/*.md"),
        *REPOSITORY.glob("connectors/*/README.md"),
        *REPOSITORY.glob("tests/**/README.md"),
        *REPOSITORY.glob("ioc/**/README.md"),
    }
)
ROLES = ("leader", "operator", "administrator", "technician")


@cache
def tokens(page: Path) -> tuple[Token, ...]:
    return tuple(MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8")))


def links(page: Path) -> Iterator[str]:
    """Yield the targets of links and pictures, without those in code."""
    for token in tokens(page):
        for child in token.children or ():
            target = child.attrGet("href") or child.attrGet("src")
            if target:
                yield str(target)


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the anchors that a Git host gives the headings: lower case, punctuation gone, blanks as hyphens."""
    found: list[str] = []
    for heading, inline in zip(tokens(page), tokens(page)[1:], strict=False):
        if heading.type == "heading_open":
            words = "".join(child.content for child in inline.children or ())
            anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            same = sum(anchor == other for other in found)
            found.append(anchor)
            if same:
                found[-1] = f"{anchor}-{same}"
    return frozenset(found)


def broken_links(page: Path) -> list[str]:
    broken = []
    for link in links(page):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if not target.exists():
            broken.append(f"{link}: no such file")
        elif parts.fragment and unquote(parts.fragment) not in anchors(target):
            broken.append(f"{link}: no such heading")
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_no_link_is_broken(page: Path) -> None:
    assert broken_links(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = REPOSITORY / "docs" / "repeats.md"
    assert "what-the-key-is" in anchors(page)
    draft = tmp_path / "page.md"
    draft.write_text("# One\n\n[a](#one) [b](#two) [c](missing.md) ![d](x.png)\n\n## One\n\n[e](#one-1) `[f](g.md)`\n")
    assert [entry.split(":")[0] for entry in broken_links(draft)] == ["#two", "missing.md", "x.png"]


@pytest.mark.parametrize("role", ROLES)
def test_pages_of_a_role_have_the_same_sections_in_both_languages(role: str) -> None:
    """Vietnamese first, English beside: one page is not ahead of the other."""
    levels = [
        [token.tag for token in tokens(REPOSITORY / "docs" / language / f"{role}.md") if token.type == "heading_open"]
        for language in ("vi", "en")
    ]
    assert levels[0] == levels[1]


def test_the_readme_leads_to_every_page_of_a_role() -> None:
    readme = set(links(REPOSITORY / "README.md"))
    pages = {str(path.relative_to(REPOSITORY)) for path in REPOSITORY.glob("docs/??/*.md")}
    assert pages - readme == set()


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [REPOSITORY / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md" and page.exists():
            reached.add(page)
            waiting += [
                (page.parent / urlsplit(link).path).resolve() for link in links(page) if not urlsplit(link).scheme
            ]
    assert [str(page.relative_to(REPOSITORY)) for page in PAGES if page not in reached] == []
