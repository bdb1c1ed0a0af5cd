"""Charts as SVG: a line over periods that breaks at missing data, bars with numbers, the target."""

from collections.abc import Iterator
from xml.sax.saxutils import escape

from ioc.reports.formatting import number
from ioc.reports.issue_content import Drawing

WIDTH, LINE_HEIGHT = 680, 196
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 16, 26, 26
_BAR, _NAMES = 19, 190
_INK, _GREY, _RULE, _ACCENT, _TARGET = "#1b2733", "#5b6b78", "#d9e0e6", "#1f5fa8", "#b3261e"
_STEPS = (1, 2, 2.5, 5, 10)


def svg(drawing: Drawing, language: str) -> str:
    """Return the chart as SVG. Its texts use the font Inter, which the viewer must provide."""
    inside = _line(drawing, language) if drawing.shape == "line" else _bars(drawing, language)
    height = LINE_HEIGHT if drawing.shape == "line" else _TOP + _BAR * max(len(drawing.cells), 1) + 22
    body = "".join(inside)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="Inter" font-size="11">'
        f"{body}</svg>"
    )


def scale(least: float, most: float) -> tuple[float, float, float]:
    """Return round bounds and a round step that contain the values, in about five steps."""
    span = most - least or abs(most) or 1.0
    size = 10.0 ** _power(span / 5)
    step = next(factor * size for factor in _STEPS if factor * size >= span / 5)
    low, high = step * (least // step), step * -(-most // step)
    return low, high if high > low else low + step, step


def _power(value: float) -> int:
    power = 0
    while value >= 10:
        value, power = value / 10, power + 1
    while value < 1:
        value, power = value * 10, power - 1
    return power


def _line(drawing: Drawing, language: str) -> Iterator[str]:
    values = [cell.value if isinstance(cell.value, float) else None for cell in drawing.cells]
    held = [value for value in values if value is not None] + ([drawing.target] if drawing.target is not None else [])
    if not held:
        yield _text(WIDTH / 2, LINE_HEIGHT / 2, "Không có dữ liệu" if language == "vi" else "No data", "middle")
        return
    low, high, step = scale(min(held), max(held))
    count = max(len(values) - 1, 1)

    def x(place: int) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * place / count

    def y(value: float) -> float:
        return LINE_HEIGHT - _BOTTOM - (LINE_HEIGHT - _TOP - _BOTTOM) * (value - low) / (high - low)

    yield _text(_LEFT - 6, _TOP - 13, drawing.unit_of_measure[language], "end")
    digits = 0 if step == int(step) else 1 if step * 10 == int(step * 10) else 2
    for n in range(round((high - low) / step) + 1):
        at = low + n * step
        yield f'<path d="M{_LEFT} {y(at):.1f}H{WIDTH - _RIGHT}" stroke="{_RULE}"/>'
        yield _text(_LEFT - 6, y(at) + 4, number(at, digits, language), "end")
    if drawing.target is not None:
        yield f'<path d="M{_LEFT} {y(drawing.target):.1f}H{WIDTH - _RIGHT}" stroke="{_TARGET}" stroke-dasharray="5 4"/>'
        word = "mục tiêu" if language == "vi" else "target"
        yield _text(WIDTH - _RIGHT, y(drawing.target) - 4, word, "end", _TARGET)
    for run in _runs(values):
        points = " ".join(f"{x(place):.1f},{y(value):.1f}" for place, value in run)
        yield f'<polyline points="{points}" fill="none" stroke="{_ACCENT}" stroke-width="2"/>'
        yield from (
            f'<circle cx="{x(place):.1f}" cy="{y(value):.1f}" r="2.6" fill="{_ACCENT}"/>' for place, value in run
        )
        place, value = run[-1]
        if place == len(values) - 1:
            yield _text(x(place) - 4, y(value) - 7, number(value, drawing.digits, language), "end", _INK, bold=True)
    for place, name in enumerate(drawing.names):
        yield _text(x(place), LINE_HEIGHT - 8, name[language], "middle")


def _runs(values: list[float | None]) -> list[list[tuple[int, float]]]:
    """Return the stretches without a gap."""
    found: list[list[tuple[int, float]]] = []
    fresh = True
    for place, value in enumerate(values):
        if value is None:
            fresh = True
            continue
        if fresh:
            found.append([])
        found[-1].append((place, value))
        fresh = False
    return found


def _bars(drawing: Drawing, language: str) -> Iterator[str]:
    values = [cell.value for cell in drawing.cells if isinstance(cell.value, float)]
    if not values:
        yield _text(WIDTH / 2, 24, "Không có dữ liệu" if language == "vi" else "No data", "middle")
        return
    _, high, _ = scale(0.0, max([*values, drawing.target or 0.0]))
    long = WIDTH - _NAMES - 70

    def x(value: float) -> float:
        return _NAMES + long * max(value, 0.0) / high

    for place, (name, value) in enumerate(zip(drawing.names, values, strict=True)):
        top = _TOP + place * _BAR
        yield _text(_NAMES - 8, top + 12, name[language], "end", _INK)
        yield f'<rect x="{_NAMES}" y="{top + 2}" width="{x(value) - _NAMES:.1f}" height="{_BAR - 6}" fill="{_ACCENT}"/>'
        shown = f"{number(value, drawing.digits, language)} {drawing.unit_of_measure[language]}"
        yield (
            _text(x(value) - 6, top + 12, shown, "end", "#ffffff")
            if value > high / 3
            else _text(x(value) + 6, top + 12, shown, "start", _INK)
        )
    bottom = _TOP + _BAR * len(values)
    yield f'<path d="M{_NAMES} {_TOP - 4}V{bottom + 2}" stroke="{_GREY}"/>'
    if drawing.target is not None:
        at = x(drawing.target)
        yield f'<path d="M{at:.1f} {_TOP - 4}V{bottom + 2}" stroke="{_TARGET}" stroke-dasharray="5 4"/>'
        word = "mục tiêu" if language == "vi" else "target"
        yield _text(at, bottom + 15, f"{word} {number(drawing.target, 0, language)}", "middle", _TARGET)


def _text(x: float, y: float, text: str, anchor: str, colour: str = _GREY, *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{weight}>{escape(text)}</text>'
