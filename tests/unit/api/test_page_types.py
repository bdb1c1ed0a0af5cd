"""The types that the pages use for answers are those of the API."""

from tools.page_types import TYPES, page_types, without_titles


def test_types_of_the_pages_are_those_of_the_api() -> None:
    assert TYPES.read_text(encoding="utf-8") == page_types(), (
        "The API's answers have changed. Run `python -m tools.page_types`, then `npm --prefix ui run check`."
    )


def test_a_field_that_is_called_title_stays() -> None:
    schema = {"title": "Report", "properties": {"title": {"title": "Title", "type": "string"}}}
    assert without_titles(schema) == {"properties": {"title": {"type": "string"}}}
