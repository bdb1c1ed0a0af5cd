"""Routing files: faults name the field; a route inherits what it does not set."""

from datetime import timedelta
from pathlib import Path

import pytest

from ioc.catalog.routing import AlertRouting, load_routing
from ioc.catalog.toml_table import CatalogInvalid

SOUND = """
[[person]]
id = "an"
name = "Nguyễn Văn An"
channels = ["telegram-an"]

[[schedule]]
id = "duty"
name = { vi = "Trực", en = "Duty" }
otherwise = ["an"]
shift = [{ days = ["mon"], since = "07:00", until = "17:00", people = ["an"] }]

[[receiver]]
id = "wall"
name = { vi = "Tường", en = "Wall" }
channels = ["wall"]

[[receiver]]
id = "on_duty"
name = { vi = "Trực", en = "Duty" }
schedule = "duty"

[route]
receivers = ["wall"]
group_by = ["rule"]
group_wait = "10s"
escalation = [{ after = "15m", receivers = ["on_duty"] }]
route = [{ id = "air", matchers = ["sector = environment"], receivers = ["on_duty"] }]
"""


def read(folder: Path, text: str, channels: set[str] | None = None) -> AlertRouting:
    (folder / "alerting").mkdir(exist_ok=True)
    (folder / "alerting" / "routing.toml").write_text(text, encoding="utf-8")
    return load_routing(folder, channels)


def test_a_route_has_from_above_what_it_does_not_say(tmp_path: Path) -> None:
    root = read(tmp_path, SOUND, {"wall", "telegram-an"}).routing.root
    [air] = root.routes
    assert (air.group_wait, air.group_by, air.escalation) == (timedelta(seconds=10), ("rule",), root.escalation)
    assert (air.receivers, root.receivers) == (("on_duty",), ("wall",))


def test_the_package_s_own_file_is_sound() -> None:
    assert load_routing().routing.root.receivers == ("wall",)


TEMPLATE = """
[[template]]
id = "short"
subject = {{ vi = "{subject}", en = "x" }}
line = {{ vi = "{line}", en = "x" }}
"""


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        pytest.param(('receivers = ["wall"]', ""), "route.receivers", "is missing", id="root without receivers"),
        pytest.param(
            ('["sector = environment"], receivers = ["on_duty"]', '["sector = environment"], receivers = []'),
            "route.route[0].receivers",
            "nobody would receive",
            id="a route that nobody receives",
        ),
        pytest.param(('receivers = ["wall"]', 'receivers = ["wal"]'), "route.receivers", "'wall'", id="receiver"),
        pytest.param(
            ('channels = ["wall"]', ""), "receiver[0].channels", "nobody would receive", id="receiver without channel"
        ),
        pytest.param(('otherwise = ["an"]', ""), "schedule[0].otherwise", "hours with nobody", id="duty with gaps"),
        pytest.param(('people = ["an"]', 'people = ["anh"]'), "schedule[0].shift[0].people", "'an'", id="person"),
        pytest.param(('["sector = environment"]', "[]"), "route.route[0].matchers", "is empty", id="matchers"),
        pytest.param(
            ('"sector = environment"', '"sector =~ (a"'), "route.route[0].matchers", "not closed", id="broken pattern"
        ),
        pytest.param(
            ('"sector = environment"', '"sector != environment"'),
            "route.route[0].matchers",
            "also matches alerts without",
            id="matcher that holds for nothing",
        ),
        pytest.param(('id = "air"', 'id = "root"'), "route.route[0].id", "Another route", id="route of the same name"),
        pytest.param(
            ('after = "15m"', 'after = "soon"'), "route.escalation[0].after", "is not a duration", id="escalation soon"
        ),
        pytest.param(("[route]", "[rout]"), "route", "is missing", id="no route at all"),
        pytest.param(
            ("[route]", TEMPLATE.format(subject="{cuont}", line="{name}") + "[route]"),
            "template[0].subject.vi",
            "did you mean {count}",
            id="template with an unknown field",
        ),
        pytest.param(
            ("[route]", TEMPLATE.format(subject="x", line="{name.__class__}") + "[route]"),
            "template[0].line.vi",
            "which is not a field",
            id="template that reaches into things",
        ),
        pytest.param(
            ("[route]", TEMPLATE.format(subject="x", line="{name") + "[route]"),
            "template[0].line.vi",
            "do not close",
            id="template with an open bracket",
        ),
        pytest.param(
            ("[route]", '[[inhibition]]\nid = "i"\nsource = ["a = b"]\ntarget = ["c = d"]\nequal = []\n[route]'),
            "inhibition[0].equal",
            "is empty",
            id="inhibition of everything",
        ),
    ],
)
def test_a_fault_names_the_field(tmp_path: Path, change: tuple[str, str], field: str, words: str) -> None:
    assert change[0] in SOUND
    with pytest.raises(CatalogInvalid) as raised:
        read(tmp_path, SOUND.replace(change[0], change[1], 1))
    [fault] = [fault for fault in raised.value.faults if words in fault.message]
    assert (fault.file, fault.field) == (str(tmp_path / "alerting" / "routing.toml"), field)


def test_an_unknown_channel_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(CatalogInvalid, match="No channel is called 'telegram-an'"):
        read(tmp_path, SOUND, {"wall"})
