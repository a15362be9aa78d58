"""One app, no file: the environment alone configures a sidecar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.gate import Gate, connect, run, settings, write
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from pathlib import Path


def environment(folder: Path, upstream: str) -> dict[str, str]:
    settings(folder)
    return {
        "CERTGATE_LISTEN": "127.0.0.1:0",
        "CERTGATE_UPSTREAM": upstream,
        "CERTGATE_CERTIFICATE": str(folder / "server.crt"),
        "CERTGATE_PRIVATE_KEY": str(folder / "server.key"),
        "CERTGATE_CLIENT_CA": str(folder / "ca.crt"),
        "CERTGATE_CRL": str(folder / "crl.pem"),
    }


def test_the_variables_are_a_whole_configuration(tmp_path: Path):
    """Revocation included."""
    with Recorder() as upstream:
        gate = Gate(["serve"], env=environment(tmp_path, upstream.url), cwd=tmp_path)
        for who, status in (("good", 200), ("none", 403), ("revoked", 403)):
            with connect(gate.port, who) as connection:
                assert connection.get().status == status
        gate.close()


def test_a_missing_variable_is_named(tmp_path: Path):
    """Exit code 1, one line, the variable's name."""
    variables = environment(tmp_path, "http://127.0.0.1:9")
    del variables["CERTGATE_CLIENT_CA"]
    done = run("serve", env=variables, cwd=tmp_path)
    assert done.returncode == 1
    assert "CERTGATE_CLIENT_CA" in done.stderr


def test_certgate_config_names_the_file(tmp_path: Path):
    """As a container image wants it."""
    with Recorder() as upstream:
        path = write(tmp_path, settings(tmp_path, upstream.url))
        gate = Gate(["serve"], env={"CERTGATE_CONFIG": str(path)}, cwd=tmp_path)
        with connect(gate.port) as connection:
            assert connection.get().status == 200
        gate.close()


def test_variables_are_filled_in_inside_the_file(tmp_path: Path):
    """``${NAME}`` and ``${NAME:-default}``; an unset one without default is an error."""
    with Recorder() as upstream:
        values = settings(tmp_path, "http://127.0.0.1:${APP_PORT}")
        values["listen"] = "${LISTEN:-127.0.0.1:0}"
        path = write(tmp_path, values)
        gate = Gate(["serve", "-c", path], env={"APP_PORT": str(upstream.port)})
        with connect(gate.port) as connection:
            assert connection.get().status == 200
        gate.close()
    done = run("check", "-c", path)
    assert done.returncode == 1
    assert "APP_PORT" in done.stderr


def test_without_anything_it_says_what_it_needs(tmp_path: Path):
    """No -c, no variables."""
    done = run("serve", cwd=tmp_path)
    assert done.returncode in {1, 2}
    assert "CERTGATE_CONFIG" in done.stderr or "-c" in done.stderr
