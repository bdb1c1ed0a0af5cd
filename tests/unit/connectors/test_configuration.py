"""Faults of a source's file name file and field."""

import unicodedata
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.base import ConnectorContext
from connectors.configuration import read_source
from connectors.registry import KINDS
from ioc.clock import SystemClock
from ioc.errors import ConfigurationInvalid
from ioc.settings import VIETNAM
from tests.support.catalogs import hue

NAME = 'name = { vi = "Không khí", en = "Air" }\n'
POLL = NAME + 'kind = "http_poll"\n[poll]\nurl = "http://127.0.0.1/rows"\n'
MQTT = NAME + 'kind = "mqtt"\n[mqtt]\nhost = "127.0.0.1"\n'
FILE = NAME + 'kind = "file_drop"\n[file]\ndirectory = "in"\n'
MAPPING = '[mapping]\nmeasure = "a"\nunit = "b"\nvalue = "c"\ntime = "d"\n'


def read(tmp_path: Path, toml: str, name: str = "air.toml") -> None:
    (tmp_path / name).write_text(toml, encoding="utf-8")
    configuration = read_source(tmp_path / name)
    KINDS[configuration.kind].load_class()(
        configuration, ConnectorContext(hue().vocabulary, SystemClock(), VIETNAM, tmp_path)
    )


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        pytest.param('kind = "http_push"', 'air.toml: name is missing; write { vi = "…", en = "…" }', id="no name"),
        pytest.param(NAME, "air.toml: kind is missing", id="no kind"),
        pytest.param(
            NAME + 'kind = "ftp"',
            "air.toml: kind: 'ftp' is not one of file_drop, http_poll, http_push, mqtt",
            id="unknown kind",
        ),
        pytest.param("kind = ", "air.toml: cannot be read", id="no TOML"),
        pytest.param(
            NAME + 'kind = "http_push"\nevery = "1m"',
            "air.toml: every: There is no field 'every' here",
            id="stray field",
        ),
        pytest.param(
            NAME + 'kind = "http_push"\nexpected_every = "soon"',
            "expected_every: 'soon' is not a duration",
            id="no span",
        ),
        pytest.param(NAME + 'kind = "http_push"\ndedupe = "1h"', "dedupe: '1h' is not one of 10m, off", id="dedupe"),
        pytest.param(
            NAME + 'kind = "http_push"\n' + MAPPING,
            "air.toml: mapping is not used by http_push",
            id="mapping of a push",
        ),
        pytest.param(
            POLL + 'paging = { kind = "page", short_page_ends = true }', "poll.paging.size is missing", id="short page"
        ),
        pytest.param(MQTT + 'topic = "a"\nca_file = "/no/such.pem"', "mqtt.ca_file is '/no/such.pem'", id="no CA file"),
        pytest.param(
            NAME + 'kind = "mqtt"\nsame_key = "replace"',
            "same_key: 'replace' is not one of repeat, correction, new; did you mean 'repeat'?",
            id="unknown meaning of a known key",
        ),
        pytest.param(
            NAME + 'kind = "mqtt"\nsame_key = "new"\ndedupe = "off"',
            "dedupe is the former name of same_key; remove it",
            id="both names of one field",
        ),
        pytest.param(POLL + "timeout = 5", "poll.timeout: '5' is not a duration", id="a span without its unit"),
        pytest.param(POLL.replace("http:", "ftp:"), "poll.url is 'ftp://127.0.0.1/rows'", id="no web address"),
        pytest.param(
            POLL + 'paging = { kind = "scroll" }', "poll.paging.kind: 'scroll' is not one of", id="unknown paging"
        ),
        pytest.param(POLL + "since = { }", "poll.since.field is missing", id="since without the row's time"),
        pytest.param(POLL + 'headers = { Authorization = "env:NO_SUCH_THING" }', "NO_SUCH_THING", id="secret not set"),
        pytest.param(MQTT + 'topic = "a/#/b"', "mqtt.topic has '#' before its end", id="topic"),
        pytest.param(MQTT + 'topic = "a/{x"', "mqtt.topic has the level '{x'", id="broken name in a topic"),
        pytest.param(FILE, "mapping.unit is missing: a dropped file needs a mapping", id="file without mapping"),
        pytest.param(FILE + MAPPING.replace('unit = "b"\n', ""), "mapping.unit is missing", id="mapping without unit"),
        pytest.param(
            FILE + MAPPING + "colour = 1", "mapping.colour: There is no field 'colour' here", id="stray target"
        ),
        pytest.param(
            FILE + MAPPING + 'skip_rows = [{ column = "x" }]', "skip_rows[0].values is", id="filter of nothing"
        ),
        pytest.param(
            FILE + MAPPING.replace('"d"', '{ from = "d", format = "dd/MM" }'),
            "mapping.time.format is 'dd/MM'",
            id="format",
        ),
        pytest.param(
            FILE + MAPPING.replace('"b"', '{ from = "b", constant = "46" }'),
            "mapping.unit needs exactly one",
            id="two ways",
        ),
    ],
)
def test_fault(tmp_path: Path, toml: str, sentence: str) -> None:
    with pytest.raises(ConfigurationInvalid) as fault:
        read(tmp_path, toml)
    assert sentence in str(fault.value)
    assert str(fault.value).startswith("air.toml: ")


def test_name_of_the_file_is_the_source(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="'Không Khí' is not valid"):
        read(tmp_path, POLL, "Không Khí.toml")


def test_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "air.toml").write_text(POLL + 'every = "90s"', encoding="utf-8")
    (tmp_path / "late.toml").write_text('expected_every = "10m"\ndedupe = "off"\n' + POLL, encoding="utf-8")
    read_one, read_two = read_source(tmp_path / "air.toml"), read_source(tmp_path / "late.toml")
    assert (read_one.source, read_one.same_key, read_one.expected_every) == ("air", "repeat", None)
    assert (read_two.same_key, read_two.expected_every) == ("new", timedelta(minutes=10))


def test_a_file_as_another_editor_writes_it(tmp_path: Path) -> None:
    """A byte order mark, and accents as characters of their own (NFD), as Windows' and macOS' editors write."""
    text = FILE + MAPPING.replace('"b"', '{ from = "Mã xã", values = { "Huế" = "46" } }')
    (tmp_path / "air.toml").write_text(unicodedata.normalize("NFD", text), encoding="utf-8-sig")
    assert read_source(tmp_path / "air.toml").mapping.raw("unit") == {"from": "Mã xã", "values": {"Huế": "46"}}
