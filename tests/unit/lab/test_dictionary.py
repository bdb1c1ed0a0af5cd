"""Every view and every column is explained in both languages, and the files agree with each other."""

import re
from importlib.resources import files

from ioc.lab.dictionary import promise, views
from ioc.lab.questions import questions
from ioc.model.kpi import Formula
from tests.support.catalogs import hue

_VIEW = re.compile(r"CREATE OR REPLACE VIEW (\w+) AS SELECT (.*?) FROM", re.DOTALL)


def test_views_and_columns_are_those_that_are_published() -> None:
    sql = files("ioc.lab.publishing").joinpath("views.sql").read_text(encoding="utf-8")
    made = {}
    for name, columns in _VIEW.findall(sql):
        flat = re.sub(r"\([^()]*(\([^()]*\)[^()]*)*\)", "", columns)
        made[name] = [part.split()[-1].strip('"') for part in flat.split(",") if part.strip()]
    told = {view.name: list(view.columns) for view in views()}
    assert {name: columns for name, columns in made.items() if not name.startswith("readings")} == {
        name: columns for name, columns in told.items() if not name.startswith("readings")
    }
    assert set(made) == set(told)


def test_both_languages_everywhere() -> None:
    words = [promise(), *(view.comment for view in views())]
    words += [column for view in views() for column in view.columns.values()]
    words += [one[part] for one in questions() for part in ("title", "why")]
    assert [one for one in words if not one.get("vi") or not one.get("en") or one["vi"] == one["en"]] == []


def test_questions_have_ids_of_their_own() -> None:
    assert len(questions()) >= 20
    assert len({one["id"] for one in questions()}) == len(questions())


def test_the_score_is_shown_by_its_six_groups_of_at_most_100_points() -> None:
    """All that stands stacked is in points, and adds up to the score."""
    [score] = [one for one in questions() if one["id"] == "qd766"]
    groups = re.findall(r"'(qd766\.[\w.]+)'", score["sql"])
    kpis = hue().kpis
    total = kpis["qd766.total.month"].expression
    assert isinstance(total, Formula)
    assert sorted(groups) == sorted(total.parts)
    assert {kpis[group].unit_of_measure for group in groups} == {"điểm"}
    assert (score["chart"]["kind"], score["chart"]["by"]) == ("stacked", "criteria")
