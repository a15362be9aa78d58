"""One app configured by CERTGATE_* variables alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.config.addresses import Address, Server
from proxy.config.environment import config_from_environment, load_from_environment
from proxy.errors import ConfigError
from tests.unit.config.configs import CORPUS

if TYPE_CHECKING:
    from pathlib import Path

FULL = {
    "CERTGATE_LISTEN": "0.0.0.0:9443",
    "CERTGATE_UPSTREAM": "app:3000",
    "CERTGATE_CERTIFICATE": str(CORPUS / "server.crt"),
    "CERTGATE_PRIVATE_KEY": str(CORPUS / "server-key.pem"),
    "CERTGATE_CLIENT_CA": str(CORPUS / "ca.crt"),
    "CERTGATE_CRL": str(CORPUS / "crl.pem"),
}


def problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config_from_environment(environ)
    return str(caught.value).splitlines()


def test_the_variables_are_the_short_form():
    config = config_from_environment(FULL | {"PATH": "/bin"})
    assert config.listen[0].address == Address("0.0.0.0", 9443)
    assert config.upstreams["app"].servers[0].url == Server("app", 3000)
    assert config.tls.certificate == CORPUS / "server.crt"
    assert config.client_auth.ca == (CORPUS / "ca.crt",)
    assert config.client_auth.crl == (CORPUS / "crl.pem",)
    assert config.client_auth.crl_check == "leaf"
    assert config.routes[0].access == "verified"


def test_listen_and_crl_may_be_missing():
    few = {name: FULL[name] for name in FULL if name not in {"CERTGATE_LISTEN", "CERTGATE_CRL"}}
    config = config_from_environment(few)
    assert config.listen[0].address == Address("0.0.0.0", 8443)
    assert config.client_auth.crl == ()


def test_relative_names_count_from_the_current_folder(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(CORPUS)
    config = config_from_environment(FULL | {"CERTGATE_CERTIFICATE": "server.crt"})
    assert config.tls.certificate == CORPUS / "server.crt"


def test_all_problems_name_their_variables():
    wrong = {
        "CERTGATE_LISTEN": "nowhere",
        "CERTGATE_UPSTREAM": "ftp://app",
        "CERTGATE_CERTIFICATE": "/nonexistent/c",
        "CERTGATE_CLIENT_CA": "/nonexistent/ca",
        "CERTGATE_CRL": "https://ca.test/crl",
    }
    assert problems(wrong) == [
        "CERTGATE_LISTEN: “nowhere” has no port; write 0.0.0.0:8443, [::]:8443, :8443 or 8443",
        "CERTGATE_CERTIFICATE: “/nonexistent/c” does not exist",
        "CERTGATE_PRIVATE_KEY: is required and missing",
        "CERTGATE_CLIENT_CA: “/nonexistent/ca” does not exist",
        "CERTGATE_CRL: “https://ca.test/crl”: taking files by URL is not in this version",
        "CERTGATE_UPSTREAM: “ftp://app” is not a URL of a server; write http://host:port",
    ]


def test_missing_variables_are_named():
    assert problems({"CERTGATE_LISTEN": "8443"}) == [
        "CERTGATE_CERTIFICATE: is required and missing",
        "CERTGATE_PRIVATE_KEY: is required and missing",
        "CERTGATE_CLIENT_CA: is required and missing",
        "CERTGATE_UPSTREAM: there is no app; write upstream: http://host:port, or upstreams",
    ]


def test_a_misspelt_variable_is_refused():
    """Else a misspelt CERTGATE_CRL would switch the revocation check off in silence."""
    assert problems(FULL | {"CERTGATE_CRLS": "x", "CERTGATE_ZZZZZZZ": "1"}) == [
        "CERTGATE_CRLS: is not a variable of certgate; did you mean CERTGATE_CRL?",
        (
            "CERTGATE_ZZZZZZZ: is not a variable of certgate; unset it, or write a file and"
            " name it in CERTGATE_CONFIG"
        ),
    ]


def test_a_misspelt_variable_is_reported_beside_other_problems():
    found = problems({"CERTGATE_UPSTREAM": "x", "CERTGATE_CLIENTCA": "y"})
    assert found[0].startswith("CERTGATE_CLIENTCA: is not a variable of certgate; did you mean")
    assert len(found) == 5


@pytest.mark.parametrize(
    "name",
    [
        "CERTGATE_SERVICE_HOST",
        "CERTGATE_SERVICE_PORT",
        "CERTGATE_SERVICE_PORT_HTTPS",
        "CERTGATE_PORT",
        "CERTGATE_PORT_8443_TCP",
        "CERTGATE_PORT_8443_TCP_ADDR",
        "CERTGATE_CA_PASSPHRASE",
    ],
)
def test_variables_that_kubernetes_and_other_commands_set_are_not_in_the_way(name: str):
    """A service that is named certgate puts these into every container of its namespace."""
    assert config_from_environment(FULL | {name: "x"})


@pytest.mark.parametrize("environ", [{}, {"CERTGATE_UPSTREAM": ""}, {"PATH": "/bin"}])
def test_without_any_variable_the_ways_to_configure_are_told(environ: dict[str, str]):
    [found] = problems(environ)
    assert found == (
        "environment: no configuration; use --config FILE, CERTGATE_CONFIG or CERTGATE_LISTEN, "
        "CERTGATE_UPSTREAM, CERTGATE_CERTIFICATE, CERTGATE_PRIVATE_KEY, CERTGATE_CLIENT_CA, "
        "CERTGATE_CRL"
    )


def test_certgate_config_names_a_file():
    loaded = load_from_environment({"CERTGATE_CONFIG": str(CORPUS / "good" / "short.yaml")})
    assert loaded.config.upstream == Server("127.0.0.1", 3000)


def test_variables_beside_a_file_serve_its_references_only():
    """They would else be ignored in silence: a file decides alone."""
    path = str(CORPUS / "good" / "short.yaml")
    [found] = problems({"CERTGATE_CONFIG": path, "CERTGATE_CRL": "crl.pem"})
    assert found == (
        "CERTGATE_CRL: has no effect beside CERTGATE_CONFIG; unset it, or write ${CERTGATE_CRL} "
        "in the file"
    )


def test_variables_that_the_file_refers_to_stand_beside_it(tmp_path: Path):
    path = tmp_path / "gate.yaml"
    path.write_text(
        f"tls: {{certificate: {FULL['CERTGATE_CERTIFICATE']}, private_key: "
        f"{FULL['CERTGATE_PRIVATE_KEY']}}}\nclient_auth: {{ca: {FULL['CERTGATE_CLIENT_CA']}}}\n"
        "upstream: ${CERTGATE_UPSTREAM}\n"
    )
    environ = {"CERTGATE_CONFIG": str(path), "CERTGATE_UPSTREAM": "http://app:5000"}
    assert config_from_environment(environ).upstream == Server("app", 5000)
