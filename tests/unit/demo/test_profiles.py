"""Profiles: readings and life cycles as functions of the seed and the time."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ioc.demo import calendar
from ioc.demo.places import World
from ioc.demo.systems.profile_feeds import DayFigures
from ioc.demo.world import life_cycles, profiles
from ioc.demo.world.cases import NEVER
from ioc.demo.world.curves import storm_flood, storm_rain
from ioc.demo.world.profile_files import CaseProfile, Profile, ProfileDuration, ProfileInvalid, read_profile
from ioc.demo.world.profile_files import profiles as profile_files
from ioc.demo.world.readings import MEASURES, Readings
from tests.support.catalogs import hue
from tests.unit.demo.moments import at, day

VOCABULARY = hue().vocabulary
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
CASES = [pytest.param(case, id=case.prefix.rstrip(".")) for file in profile_files() for case in file.cases]
FILES = [pytest.param(file, id=file.source) for file in profile_files()]


def of(readings: Readings, measure: str) -> np.ndarray:
    values: np.ndarray = readings.value[readings.measure == MEASURES.index(measure)]
    return values


def rows(readings: Readings) -> list[tuple[float, ...]]:
    return sorted(zip(*(column.tolist() for column in readings.columns()), strict=True))


def by_name(source: str) -> Profile:
    return next(file for file in profile_files() if file.source == source)


@pytest.mark.parametrize("file", FILES)
def test_an_interval_is_the_same_whole_or_in_parts(world: World, file: Profile) -> None:
    begin, middle, end = at("2026-11-23 08:00"), at("2026-11-23 13:25"), at("2026-11-24 18:00")
    whole = profiles.readings(world, file, begin, end)
    parts = [profiles.readings(world, file, begin, middle), profiles.readings(world, file, middle, end)]
    assert rows(whole) == rows(Readings.joined(parts))
    _, seen = profiles.sent(world, file, begin, end)
    assert ((seen > begin) & (seen <= end)).all()
    assert (whole.time_ms <= seen).all(), "nothing is handed over before it happened"


@pytest.mark.parametrize("file", FILES)
def test_values_are_such_as_the_catalogue_takes(world: World, file: Profile) -> None:
    """A rainy week and a dry one, by the hour, and what was published in the years."""
    parts = [
        profiles.readings(world, file, at(f"{first} 00:00"), at(f"{last} 00:00"), HOUR_MS)
        for first, last in (("2026-04-06", "2026-04-13"), ("2026-11-02", "2026-11-12"))
    ]
    if file.kind == "year_file":
        parts.append(profiles.readings(world, file, 0, at("2026-11-23 00:00")))
    given = Readings.joined(parts)
    for measure in file.measures:
        values = of(given, measure)
        known = VOCABULARY.measures[measure]
        assert np.isfinite(values).all()
        assert ((values >= known.least) & (values <= known.most)).all(), measure
    for one in file.readings:
        if one.of_measure and one.on != "communes":
            assert of(given, one.measure).sum() <= of(given, one.of_measure).sum()


def test_counts_follow_the_clock_and_the_calendar(world: World) -> None:
    hospitals, schools, tax = (by_name(name) for name in ("hospitals", "schools", "tax-customs"))

    def total(file: Profile, measure: str, begin: str, end: str) -> float:
        return float(of(profiles.readings(world, file, at(begin), at(end)), measure).sum())

    morning = total(hospitals, "health.visits", "2026-11-24 08:00", "2026-11-24 10:00")
    night = total(hospitals, "health.visits", "2026-11-24 01:00", "2026-11-24 03:00")
    assert morning > 10 * max(night, 1)
    assert total(tax, "tax.returns", "2026-11-22 00:00", "2026-11-23 00:00") == 0, "a Sunday"
    assert total(schools, "school.pupils", "2026-07-14 00:00", "2026-07-15 00:00") == 0, "summer holidays"
    assert total(schools, "school.pupils", "2026-11-24 00:00", "2026-11-25 00:00") > 100_000


def test_a_months_figure_lies_on_its_last_day_and_comes_when_published(world: World) -> None:
    file = by_name("statistics-office")
    begin, end = at("2026-11-06 08:59"), at("2026-11-06 09:00")
    given, seen = profiles.sent(world, file, begin, end)
    exports = given.measure == MEASURES.index("trade.exports")
    assert exports.sum() == 1
    assert given.time_ms[exports].tolist() == [at("2026-10-31 12:00")]
    assert seen[exports].tolist() == [end]
    assert len(of(profiles.readings(world, file, end, end + DAY_MS), "trade.exports")) == 0


def test_figures_of_the_years_come_once(world: World) -> None:
    file = by_name("indices")
    past = profiles.readings(world, file, 0, at("2026-11-23 08:00"))
    of_2020 = past.where(past.time_ms == at("2020-07-10 09:00"))
    named = {MEASURES[m]: v for m, v in zip(of_2020.measure.tolist(), of_2020.value.tolist(), strict=True)}
    assert (named["egdi.osi"], named["egdi.tii"], named["egdi.hci"]) == (0.6529, 0.6694, 0.6779)


def test_it_rains_first_and_the_river_rises_then(world: World) -> None:
    times = np.arange(at("2025-11-23 00:00"), at("2026-11-23 00:00"), HOUR_MS)
    rain, flood = storm_rain(world.seed, times), storm_flood(world.seed, times)
    assert 0.5 < rain.max() < 2.5
    assert 0.3 < flood.max() < 1.6
    assert (rain == 0).mean() > 0.7, "it is dry most of the time"
    autumn = np.isin(calendar.month(times // DAY_MS), (10, 11, 12))
    assert flood[autumn].mean() > 3 * flood[~autumn].mean()
    lag = [float(np.corrcoef(rain[: -shift or None], flood[shift:])[0, 1]) for shift in range(0, 40, 4)]
    assert 8 <= 4 * int(np.argmax(lag)) <= 36


@pytest.mark.parametrize("profile", CASES)
def test_lives_are_whole_and_such_as_the_catalogue_takes(world: World, profile: CaseProfile) -> None:
    cases = life_cycles.cases(world, profile, day("2026-08-03"), day("2026-11-02"))
    known = VOCABULARY.case_types[profile.case_type]
    assert set(cases.words.statuses) <= set(known.statuses)
    for text in cases.words.attributes:
        assert set(json.loads(text)) <= set(known.attributes)
    ids = [cases.case_id(row) for row in range(len(cases))]
    assert len(set(ids)) == len(ids) > 0
    times = np.where(cases.step_ms == NEVER, np.nan, cases.step_ms)
    assert (np.diff(np.fmax.accumulate(times, axis=1), axis=1) >= 0).all()
    stays_ms = cases.step_ms[:, cases.closing] - cases.step_ms[:, 0]
    assert (stays_ms > 0).all()
    assert stays_ms.max() < profile.max_open_days * DAY_MS
    if profile.due:
        late = (cases.step_ms[:, cases.closing] > cases.due_ms).mean()
        assert abs(late - profile.late) < 0.03 + 1 / len(cases) ** 0.5
    else:
        assert (cases.due_ms == NEVER).all()


@pytest.mark.parametrize(
    ("text", "length"),
    [
        pytest.param("30s", ProfileDuration(30_000), id="seconds"),
        pytest.param("15wd", ProfileDuration(15 * DAY_MS, 15), id="working days"),
    ],
)
def test_lengths(text: str, length: ProfileDuration) -> None:
    assert ProfileDuration.parse(text) == length


HEAD = '[source]\nkind = "statistics"\nname = { vi = "Thử", en = "Trial" }\n'


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param('[source]\nkind = "fax"\nname = { vi = "", en = "" }', "fax", id="kind of system"),
        pytest.param(HEAD + '[[reading]]\nmeasure = "a"', "exactly one", id="neither step nor period"),
        pytest.param(HEAD + '[[reading]]\nmeasure = "a"\nevery = "5m"\nmeen = 3', "meen", id="unknown field"),
        pytest.param(HEAD + '[[reading]]\nmeasure = "a"\nevery = "5m"\nof_measure = "b"', "share of", id="no whole"),
        pytest.param(HEAD + '[[reading]]\nmeasure = "a"\nevery = "5m"\nseason = [1, 2]', "12 numbers", id="season"),
        pytest.param(
            HEAD + '[[case]]\ncase_type = "x"\nprefix = "X."\na_day = 1\nfirst_status = "a"\ntakes = "1h"\n'
            'closing = [{ status = "b", share = 0.7 }]',
            "add up",
            id="shares that do not add up",
        ),
        pytest.param(
            HEAD.replace("statistics", "sensors") + '[[reading]]\nmeasure = "a"\nevery = "5m"', "name", id="sensor"
        ),
    ],
)
def test_a_wrong_profile_names_its_file_and_fault(text: str, named: str) -> None:
    with pytest.raises(ProfileInvalid, match=named) as fault:
        read_profile("trial", text)
    assert "trial.toml" in str(fault.value)


def test_the_day_file_writes_numbers_as_offices_do(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = by_name("day-figures")
    feed = DayFigures(world, file, tmp_path_factory.mktemp("drop"))
    made = profiles.readings(world, file, at("2026-11-24 16:00"), at("2026-11-24 17:00"))
    lines = list(feed.lines(made))
    assert lines[2] == "Ngày;Mã đơn vị;Tên đơn vị;Chỉ tiêu;Giá trị"
    guests = next(line for line in lines if ";tourism.guests;" in line)
    assert guests.startswith("24/11/2026 12:00;46;")
    assert guests.split(";")[-1].count(".") == 1
    assert guests.split(";")[-1].endswith(",0000")
