"""Write the source configurations of the profiles' systems."""

import json
from collections.abc import Iterator, Mapping

from ioc.demo.addresses import Addresses
from ioc.demo.systems.profile_feeds import HEADER
from ioc.demo.systems.statistics import cases_path, readings_path
from ioc.demo.world.profile_files import Profile

_POLL = """
[poll]
url = "{url}"
every = "{every}"
items = "du_lieu"

[poll.since]
parameter = "tu"
field = "capNhatLuc"
overlap = "1s"
start = "14d"

[poll.paging]
kind = "page"
parameter = "trang"
size_parameter = "so_dong"
size = 2000
short_page_ends = true
"""
_FIGURES = """
[mapping]
measure = {{ from = "chiTieu", values = {measures} }}
unit = "maDonVi"
subject = "doiTuong"
time = "thoiDiem"
value = "giaTri"
"""
_CASES = """
[mapping]
case_type = {{ from = "loai", values = {case_types} }}
case_id = "ma"
unit = "maDonVi"
status = "trangThai"
channel = "kenh"
service = "dichVu"
received_at = "tiepNhan"
due_at = "hanXuLy"
closed_at = "ketThuc"
updated_at = "capNhatLuc"
"""
_FILE = """
[file]
directory = "drop/{source}"
pattern = "{pattern}"

[mapping]
numbers = "{numbers}"
measure = {{ from = "{columns[3]}", values = {measures} }}
unit = "{columns[1]}"
time = {{ from = "{columns[0]}", format = "dd/MM/yyyy HH:mm" }}
value = "{columns[4]}"
"""
_MQTT = """
[mqtt]
host = "127.0.0.1"
port = {port}
version = "3.1.1"
topic = "{source}/{{unit}}/{{measure}}/{{subject}}"

[mapping]
measure = {{ from = "$measure", values = {measures} }}
unit = "$unit"
subject = "$subject"
time = "time"
value = "value"
"""


def source_texts(profile: Profile, at: Addresses) -> Iterator[tuple[str, str]]:
    """Yield name and text of each source of a system; a statistics system with cases has a second one for them."""
    measures = _same(profile.measures)
    if profile.kind == "statistics":
        if profile.readings:
            url = at.rest + readings_path(profile.source)
            text = _POLL.format(url=url, every=profile.every) + _FIGURES.format(measures=measures)
            yield profile.source, _head(profile, "http_poll") + text
        if profile.cases:
            case_types = _same(tuple(dict.fromkeys(case.case_type for case in profile.cases)))
            text = _POLL.format(url=at.rest + cases_path(profile.source), every=profile.every)
            text += _CASES.format(case_types=case_types) + _attributes(profile)
            yield f"{profile.source}-cases", _head(profile, "http_poll", {"vi": "hồ sơ", "en": "cases"}) + text
    elif profile.kind in ("day_file", "year_file"):
        day = profile.kind == "day_file"
        pattern, numbers = ("*.csv", "vietnamese") if day else ("*.xlsx", "plain")
        text = _FILE.format(source=profile.source, pattern=pattern, numbers=numbers, columns=HEADER, measures=measures)
        yield profile.source, _head(profile, "file_drop") + (text if day else text.replace(_FORMAT, ""))
    elif profile.kind == "sensors":
        text = _MQTT.format(source=profile.source, port=at.mqtt_port, measures=measures)
        yield profile.source, _head(profile, "mqtt") + text
    else:
        given = [*profile.measures, *(case.case_type for case in profile.cases)]
        yield profile.source, f"{_head(profile, 'http_push')}feeds = {json.dumps(list(dict.fromkeys(given)))}\n"


_FORMAT = ', format = "dd/MM/yyyy HH:mm"'


def _head(profile: Profile, kind: str, part: Mapping[str, str] | None = None) -> str:
    name = {language: f"{text}: {part[language]}" if part else text for language, text in profile.name.items()}
    return (
        f'name = {{ vi = "{name["vi"]} (mô phỏng)", en = "{name["en"]} (simulated)" }}\n'
        f'kind = "{kind}"\nexpected_every = "{profile.expected_every}"\n'
    )


def _attributes(profile: Profile) -> str:
    names = [
        name
        for case in profile.cases
        for of in (case.attributes, case.attributes_closed, *(joint for joint, _ in case.joint))
        for name in of
    ]
    lines = "\n".join(f'{name} = "thuocTinh.{name}"' for name in dict.fromkeys(names))
    return f"\n[mapping.attributes]\n{lines}\n" if lines else ""


def _same(words: tuple[str, ...]) -> str:
    """Map ids to themselves: the source uses the catalogue's ids, and the list shows what it gives."""
    return "{ " + ", ".join(f'"{word}" = "{word}"' for word in words) + " }"
