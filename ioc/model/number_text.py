"""Format numbers for messages: without an exponent, with the separators of the language."""

from decimal import Decimal

_MARKS = str.maketrans(",.", ".,")


def number_text(value: float | None, digits: int, language: str) -> str:
    """Format as 1.234,5 in Vietnamese and 1,234.5 in English, or a dash for None.

    A value that `digits` would round to zero keeps its first two significant digits.
    """
    if value is None:
        return "—"
    if value and abs(value) < 0.5 * 10**-digits:
        return exact_text(float(f"{value:.1e}"), language)
    return _in_language(f"{value:,.{digits}f}", language)


def exact_text(value: float, language: str = "") -> str:
    """Format with all digits: 2.500.000 and 0,00001 in Vietnamese, 2,500,000 and 0.00001 in English.

    Without a language the result is for programs: 2500000 and 0.00001. Numbers of more than 21 digits keep their
    exponent.
    """
    if not abs(value) < 1e21:
        return f"{value:g}"
    text = f"{Decimal(repr(float(value))):{',' if language else ''}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return _in_language(text, language)


def _in_language(text: str, language: str) -> str:
    return text.translate(_MARKS) if language == "vi" else text
