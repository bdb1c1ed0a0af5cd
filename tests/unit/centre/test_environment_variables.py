"""A wrong value of any variable ends the start with one sentence; the environment is read in one place."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from ioc.cli import main
from ioc.commands import up
from ioc.environment_variables import VARIABLES, Variable, province_codes
from ioc.http_listener import listen
from ioc.messages import is_code, terminal_language
from ioc.setting_faults import SettingInvalid
from ioc.settings import Settings

REPOSITORY = Path(__file__).parents[3]
BY_NAME = {variable.name: variable for variable in VARIABLES}
PORTS = ("0", "70000", "-1", "http", "８０", "80.0", " 80")
HOSTS = ("http://a.vn", "10.0.0.256", "two words", "a:80", "-a", "a..b")
FOLDERS = (__file__, f"{__file__}/below")
PEM_FILES = ("/no/such/file.pem", "/", __file__)
TEXTS = ("two\nlines", "bell\a", "x" * 1001)
WRONG: dict[str, tuple[str, ...]] = {
    "IOC_DATA_DIR": FOLDERS,
    "IOC_PROVINCE": ("99", "4", "Huế", "19753", " 46"),
    "IOC_HTTP_HOST": HOSTS,
    "IOC_HTTP_PORT": PORTS,
    "IOC_ADDRESS": (
        *("ioc.hue.gov.vn", "ftp://x", "http://", "http://0.0.0.0:8080", "http://x:99999", "http://a:b@x"),
        *("http://x/?a=1", "http://x/#a", 'http://x/"', "http://[::1"),
    ),
    "IOC_TRUSTED_PROXIES": ("nginx", "10.0.0.5, nginx", "10.0.0.5/24", "10.0.0"),
    "IOC_ANONYMOUS": ("admin", "Viewer", "yes"),
    "IOC_ADMIN_TOKEN": ("two words", "mã", "line\n", "x" * 1001),
    "IOC_KAFKA": ("kafka", "kafka:", "kafka:0", "kafka:99999", "a:1,b", "a:1;b:2", "kafka://a:9092", "::1:9092"),
    "IOC_KAFKA_SECURITY_PROTOCOL": ("TLS", "SASL"),
    "IOC_KAFKA_SASL_MECHANISM": ("MAGIC", "plain"),
    "IOC_KAFKA_SASL_USERNAME": TEXTS,
    "IOC_KAFKA_SASL_PASSWORD": TEXTS,
    "IOC_KAFKA_SSL_CAFILE": PEM_FILES,
    "IOC_KAFKA_SSL_CERTFILE": PEM_FILES,
    "IOC_KAFKA_SSL_KEYFILE": PEM_FILES,
    "IOC_PARTITIONS": ("0", "1025", "-1", "four"),
    "IOC_SOURCES_DIR": FOLDERS,
    "IOC_CATALOG_DIR": FOLDERS,
    "IOC_QUACK_HOST": HOSTS,
    "IOC_QUACK_PORT": PORTS,
    "IOC_DEMO": ("2", "true", "no"),
    "IOC_DEMO_DAYS": ("0", "366", "a year"),
    "IOC_LANGUAGE": ("fr", "VI", "vi_VN"),
}
RIGHT: dict[str, dict[str, object]] = {
    "IOC_HTTP_HOST": {"::1": "::1", "ioc-1.hue.gov.vn": "ioc-1.hue.gov.vn", "0.0.0.0": "0.0.0.0"},
    "IOC_KAFKA": {"a:1, kafka_2:9092": "a:1,kafka_2:9092", "[::1]:9092": "[::1]:9092"},
    "IOC_KAFKA_SECURITY_PROTOCOL": {"sasl_ssl": "SASL_SSL"},
    "IOC_TRUSTED_PROXIES": {"10.0.0.5, 10.1.0.0/16": ("10.0.0.5", "10.1.0.0/16"), "::1": ("::1",)},
    "IOC_ADDRESS": {"https://hue.gov.vn/ioc/": "https://hue.gov.vn/ioc"},
    "IOC_PARTITIONS": {"1024": 1024},
}


def test_every_variable_has_wrong_values_here() -> None:
    assert set(WRONG) == set(BY_NAME)


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_a_wrong_value_is_named_in_both_languages(variable: Variable, tmp_path: Path) -> None:
    for text in WRONG[variable.name]:
        with pytest.raises(SettingInvalid) as caught:
            Settings.from_environment({"IOC_DATA_DIR": str(tmp_path), variable.name: text})
        assert is_code(caught.value.code)
        shown = f"{variable.name}={'…' if variable.secret else repr(text)}"
        for language, phrase in (("en", "is not valid: "), ("vi", "không hợp lệ: ")):
            sentence = caught.value.text(language)
            assert sentence.startswith(f"{shown} {phrase}"), sentence
            assert sentence.endswith(".")
            assert "\n" not in sentence
            assert not variable.secret or text not in sentence


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_value_is_read(name: str) -> None:
    for text, value in RIGHT[name].items():
        assert BY_NAME[name].value({name: text}, {}, Path()) == value


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_an_empty_variable_counts_as_not_set(variable: Variable, tmp_path: Path) -> None:
    assert Settings.from_environment({variable.name: ""}) == Settings.from_environment({})


def end_of(variables: Mapping[str, str], command: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return the exit code of a command that must end at its start."""
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(SystemExit) as ended:
        main([command])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_the_command_line_ends_with_one_sentence(
    variable: Variable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in WRONG[variable.name]:
        environment = {"IOC_DATA_DIR": str(tmp_path), "IOC_LANGUAGE": "vi", variable.name: text}
        assert end_of(environment, "topics", monkeypatch) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith(f"ioc: {variable.name}=")
        assert printed.err.count("\n") == 1


@pytest.mark.parametrize("command", ["up", "broker"])
@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("vi", "ioc: IOC_HTTP_PORT='0' không hợp lệ: phải là số nguyên từ 1 đến 65535.\n"),
        ("en", "ioc: IOC_HTTP_PORT='0' is not valid: it must be a whole number from 1 to 65535.\n"),
    ],
)
def test_nothing_is_started_or_written(
    command: str,
    language: str,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment = {"IOC_DATA_DIR": str(tmp_path / "data"), "IOC_HTTP_PORT": "0", "IOC_LANGUAGE": language}
    assert end_of(environment, command, monkeypatch) == 2
    assert capsys.readouterr().err == sentence
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_another_program_keeps_ends_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Otherwise the other program's answers would be taken for this centre's."""
    monkeypatch.setattr(up, "PORT_PATIENCE_S", 0.0)
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        environment = {"IOC_DATA_DIR": str(tmp_path), "IOC_HTTP_PORT": str(port), "IOC_LANGUAGE": "vi"}
        assert end_of(environment, "up", monkeypatch) == 2
    assert f"127.0.0.1:{port}" in (printed := capsys.readouterr().err)
    assert printed.startswith("ioc: Không phục vụ được")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"IOC_LANGUAGE": "en", "LANG": "vi_VN.UTF-8"}, "en"),
        ({"LANG": "vi_VN.UTF-8"}, "vi"),
        ({"LC_ALL": "C", "LANG": "vi_VN.UTF-8"}, "en"),
        ({"IOC_LANGUAGE": "fr", "LANG": "vi_VN.UTF-8"}, "vi"),
        ({}, "en"),
    ],
    ids=["by the variable", "by the locale", "LC_ALL goes first", "a wrong variable", "by default"],
)
def test_the_language_of_messages(environment: dict[str, str], language: str) -> None:
    assert terminal_language(environment) == language


def test_there_are_34_provinces() -> None:
    assert len(province_codes()) == 34


def test_no_other_module_reads_a_variable_of_the_centre() -> None:
    """`os.environ["IOC_…"]`, `.get("IOC_…")` and `os.getenv("IOC_…")` stand nowhere else."""
    found = []
    for package in ("ioc", "streams", "connectors"):
        for path in (REPOSITORY / package).rglob("*.py"):
            if not re.search(r"environ|getenv", text := path.read_text()):
                continue
            for node in ast.walk(ast.parse(text)):
                words = [node.slice] if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) else []
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".get", "getenv")):
                    words = list(node.args)
                names = [word.value for word in words if isinstance(word, ast.Constant)]
                found += [f"{path.name}: {name}" for name in names if str(name).startswith("IOC_")]  # type: ignore[str-bytes-safe]
    allowed = {"language.py: IOC_LANGUAGE"} | {f"settings.py: {name}" for name in BY_NAME}
    assert set(found) - allowed == set()
