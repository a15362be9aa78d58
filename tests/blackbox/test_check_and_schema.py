"""The installed ``certgate check`` and ``certgate schema``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.gate import run, settings, write

if TYPE_CHECKING:
    from pathlib import Path


def test_check_says_ok_and_warns_of_an_app_that_is_down(tmp_path: Path):
    """Warnings do not change the exit code: a sidecar may start before its app."""
    done = run("check", "-c", write(tmp_path, settings(tmp_path)))
    assert done.returncode == 0, done
    assert done.stdout.startswith("OK: https on 127.0.0.1:0; clients of 1 CA; 1 app; routes: 1 ver")
    assert "upstream: warning: http://127.0.0.1:9 is not reachable" in done.stderr


def test_check_tells_all_problems_each_with_its_line(tmp_path: Path):
    (tmp_path / "gate.yaml").write_text("lisen: 8443\ntls: {}\nupstream: ftp://app\n")
    done = run("check", "-c", tmp_path / "gate.yaml")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.replace(f"{tmp_path}/", "").splitlines() == [
        "gate.yaml:1: client_auth: is required and missing",
        "gate.yaml:1: lisen: is not a key; did you mean listen?",
        "gate.yaml:2: tls.certificate: is required and missing",
        "gate.yaml:2: tls.private_key: is required and missing",
        "gate.yaml:3: upstream: “ftp://app” is not a URL of a server; write http://host:port",
    ]


def test_check_without_any_configuration_tells_the_ways_to_give_one():
    done = run("check")
    assert done.returncode == 1
    assert done.stderr.startswith("environment: no configuration; use --config FILE, CERTGATE_CON")


def test_wrong_usage_exits_with_2():
    assert run("check", "--nonsense").returncode == 2


def test_schema_prints_one_json_document():
    done = run("schema")
    assert done.returncode == 0
    assert json.loads(done.stdout)["properties"]["listen"]
