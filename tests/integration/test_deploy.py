"""The files under deploy/: they cannot be run here, but what makes them safe can be looked at."""

from __future__ import annotations

import configparser
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from proxy.config.load import load_config
from tests.gate import ROOT
from tests.pki import server, trust

if TYPE_CHECKING:
    from pathlib import Path

DEPLOY = ROOT / "deploy"


@pytest.fixture
def compose() -> dict[str, Any]:
    """Return deploy/compose.yaml."""
    made: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return made


def test_only_the_gate_can_be_reached(compose: dict[str, Any]):
    """The app has no published port, not even one that is only exposed."""
    app, gate = compose["services"]["app"], compose["services"]["certgate"]
    assert gate["ports"] == ["8443:8443"]
    assert not {"ports", "expose", "network_mode"} & app.keys()


def test_the_apps_network_is_shared_with_the_gate_and_leads_nowhere(compose: dict[str, Any]):
    """Nobody but the gate is on the app's network, and the machine's own network is not, either."""
    services = compose["services"]
    assert services["app"]["networks"] == ["inside"]
    assert compose["networks"]["inside"] == {"internal": True}
    assert [name for name, one in services.items() if "inside" in one["networks"]] == [
        "app",
        "certgate",
    ]


def test_the_gate_can_change_nothing_and_is_nobody(compose: dict[str, Any]):
    """A hole in the gate gives away no more than what the gate holds."""
    gate = compose["services"]["certgate"]
    assert gate["user"] == "${GATE_USER:-10001:10001}"
    assert gate["read_only"] is True
    assert gate["cap_drop"] == ["ALL"]
    assert gate["security_opt"] == ["no-new-privileges:true"]
    assert all(mount["read_only"] for mount in gate["volumes"])


def test_neither_the_cas_key_nor_a_single_list_is_mounted(compose: dict[str, Any]):
    """The folder of the CA stays away; the CRL comes with its folder, so that a new one is seen."""
    sources = [mount["source"] for mount in compose["services"]["certgate"]["volumes"]]
    assert sources == ["./certgate.yaml", "../certs/gate"]
    (folder,) = (one["target"] for one in compose["services"]["certgate"]["volumes"][1:])
    home = PurePosixPath("/etc/certgate")
    values = yaml.safe_load((DEPLOY / "certgate.yaml").read_text(encoding="utf-8"))
    for name in (*values["tls"].values(), *values["client_auth"].values()):
        assert (home / name).parent == PurePosixPath(folder)


def test_it_waits_longer_than_the_proxy_drains(compose: dict[str, Any]):
    """`docker stop` must not kill what the proxy is finishing in order."""
    period = compose["services"]["certgate"]["stop_grace_period"]
    assert int(period.removesuffix("s")) > _shutdown_seconds()


def test_the_configuration_is_one(compose: dict[str, Any], tmp_path: Path):
    """deploy/certgate.yaml loads, where compose.yaml mounts it, beside the files it names."""
    mounts = {one["source"]: one["target"] for one in compose["services"]["certgate"]["volumes"]}
    environment = compose["services"]["certgate"]["environment"]
    assert environment == {"CERTGATE_CONFIG": mounts["./certgate.yaml"]}
    folder = tmp_path / "gate"
    folder.mkdir()
    server().write(folder, "server")
    (folder / "ca.crt").write_bytes(trust().ca_pem)
    (folder / "crl.pem").write_bytes(trust().crl_pem)
    file = tmp_path / "config.yaml"
    file.write_bytes((DEPLOY / "certgate.yaml").read_bytes())
    config = load_config(file, {})
    (listener,) = config.listen
    assert (
        f"{listener.address.port}:{listener.address.port}"
        in (compose["services"]["certgate"]["ports"])
    )
    (upstream,) = config.upstreams.values()
    assert [one.url.host for one in upstream.servers] == ["app"]


@pytest.fixture
def unit() -> configparser.SectionProxy:
    """Return the [Service] section; of a key that stands there several times, the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd keeps the case
    parser.read(DEPLOY / "systemd" / "certgate.service", encoding="utf-8")
    return parser["Service"]


def test_the_service_is_no_root_and_outlives_a_drain(unit: configparser.SectionProxy):
    """A user of its own, one capability, and time to finish what is under way."""
    assert unit["User"] == "certgate"
    assert unit["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"
    assert unit["NoNewPrivileges"] == "yes"
    assert int(unit["TimeoutStopSec"].removesuffix("s")) > _shutdown_seconds()


def _shutdown_seconds() -> float:
    from proxy.config.model import Timeouts

    return Timeouts().shutdown


def test_the_socket_goes_to_the_service_of_the_same_name():
    """systemd takes the unit's name for both; the configuration has to say the same one."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    file = DEPLOY / "systemd" / "certgate.socket"
    parser.read(file, encoding="utf-8")
    assert parser["Socket"]["ListenStream"] == "443"
    assert "Service" not in parser["Socket"]
    assert "FileDescriptorName" not in parser["Socket"]
    for text in (file, ROOT / "docs" / "listening.md"):
        assert f"listen: systemd:{file.name}" in text.read_text(encoding="utf-8")
