"""Reading the file itself: encodings, sizes, folders, and what a configuration's lines tell."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from proxy.config.load import MAX_FILE_BYTES, load, load_config, parse
from proxy.config.source import place_of
from proxy.errors import ConfigError
from tests.privileges import forbidden_file
from tests.unit.config.configs import CORPUS, LEAST, with_line


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("server.crt", "server-key.pem", "ca.crt"):
        shutil.copy(CORPUS / name, tmp_path)
    return tmp_path


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    return str(caught.value)


def test_relative_names_count_from_the_file_s_folder(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """They stay right when the process changes its folder later."""
    (folder / "gate.yaml").write_text(LEAST)
    monkeypatch.chdir(folder)
    config = load_config(Path("gate.yaml"), {})
    assert config.tls.certificate == folder / "server.crt"
    assert config.client_auth.ca == (folder / "ca.crt",)


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["unix", "windows"])
def test_what_editors_leave_in_a_file_is_taken(folder: Path, prefix: bytes, line_end: bytes):
    path = folder / "gate.yaml"
    path.write_bytes(prefix + LEAST.encode().replace(b"\n", line_end))
    assert load_config(path, {}).upstream is not None


def test_a_file_that_is_not_utf8_is_refused_with_the_line(folder: Path):
    path = folder / "gate.yaml"
    path.write_bytes(LEAST.encode() + b"# caf\xe9\n")
    assert refusal(path) == f"{path}:4: is not UTF-8 text"


def test_a_huge_file_is_refused_without_being_read_whole(folder: Path):
    path = folder / "gate.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert refusal(path) == f"{path}: is larger than {MAX_FILE_BYTES >> 20} MiB"


def test_a_folder_is_refused(folder: Path):
    assert refusal(folder) == f"{folder}: is a folder; name a file"


def test_a_missing_file_is_refused(folder: Path):
    assert refusal(folder / "no.yaml") == f"{folder}/no.yaml: does not exist"


def test_a_name_that_no_file_can_have_is_refused(folder: Path):
    assert refusal(folder / "a\0b") == f"{folder}/a\0b: cannot be read: not a file name"


def test_an_unreadable_file_is_refused():
    with forbidden_file() as path:
        assert refusal(path).startswith(f"{path}: permission denied; make it readable for ")


def test_a_path_below_a_file_is_refused(folder: Path):
    path = folder / "ca.crt" / "gate.yaml"
    assert refusal(path) == f"{path}: cannot be read: Not a directory"


def test_warnings_have_the_line_of_their_key():
    text = LEAST.replace("upstream: 3000", "upstreams: {app: {servers: 1}, spare: {servers: 2}}")
    loaded = parse(text + "routes: [{path: /, upstream: app}]", "gate.yaml", CORPUS, {})
    assert [str(warning) for warning in loaded.warnings] == [
        "gate.yaml:3: upstreams.spare: no route leads to this app"
    ]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("tls.certificate", "gate.yaml:1: tls.certificate: x"),
        ("tls", "gate.yaml:1: tls: x"),
        ("client_auth.ca", "gate.yaml:2: client_auth.ca: x"),
        ("client_auth.ca[0]", "gate.yaml:2: client_auth.ca: x"),
        ("tls.server_names[3].name", "gate.yaml:1: tls.server_names: x"),
        ("limits.head", "gate.yaml:1: limits: x"),
        ("", "gate.yaml:1: x"),
    ],
)
def test_problems_of_later_stages_find_their_line(key: str, found: str):
    """A snapshot that cannot be built knows keys; the file knows where they stand."""
    loaded = parse(LEAST, "gate.yaml", CORPUS, {})
    assert str(loaded.source.problem(place_of(key), "x")) == found


def test_thousands_of_routes_load():
    """Rules over a list look each entry up; none compares each entry with each other."""
    routes = "".join(f"  - {{path: /r{number}, host: h{number}.test}}\n" for number in range(3_000))
    config = parse(with_line("routes:\n" + routes), "gate.yaml", CORPUS, {}).config
    assert len(config.routes) == 3_000


def test_routes_know_their_upstream_in_either_form():
    short = load(CORPUS / "good" / "short.yaml", {}).config
    long = load(CORPUS / "good" / "long.yaml", {}).config
    assert [route.upstream for route in short.routes] == ["app"]
    assert [route.upstream for route in long.routes] == ["media", "app", "app", "app", "admin"]
