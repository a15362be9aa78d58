"""Which revocation lists count, and what happens when the one that matters is not there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.gate import Bare, connect, der
from tests.pki import DAY, START, client, crl_pem, impostor, trust
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.gate import Gate
    from tests.gate.fixtures import StartGate

    GateWith = Callable[..., Gate]


@pytest.fixture
def gate_with(start_gate: StartGate, tmp_path: Path) -> Iterator[GateWith]:
    """Start a gate with this content of its one CRL file and these client_auth keys."""
    with Recorder() as upstream:

        def start(content: bytes, **keys: object) -> Gate:
            (tmp_path / "list").write_bytes(content)
            return start_gate(upstream.url, client_auth={"ca": "ca.crt", "crl": ["list"], **keys})

        yield start


def verdict(gate: Gate, who: str) -> str:
    """Return ``admitted`` or the code of the refusal."""
    with connect(gate.port, who) as connection:
        response = connection.get("/", "Accept: application/problem+json")
    if response.status == 200:
        return "admitted"
    code: str = response.json()["code"]
    return code


def test_every_list_of_a_file_is_read(gate_with: GateWith):
    """The revoked certificate stands in the last list of the file."""
    gate = gate_with(crl_pem(trust().sub.crl(), trust().root.crl([client("revoked")])))
    assert verdict(gate, "revoked") == "certificate_revoked"
    assert verdict(gate, "good") == "admitted"
    assert verdict(gate, "with_intermediate") == "admitted"


def test_a_list_may_be_der(gate_with: GateWith):
    """Authorities publish CRLs in DER (RFC 5280, section 4.2.1.13)."""
    gate = gate_with(der(trust().root.crl([client("revoked")])))
    assert verdict(gate, "revoked") == "certificate_revoked"
    assert verdict(gate, "good") == "admitted"


def test_the_log_warns_of_a_list_that_ends_soon_at_the_start_and_at_each_reload(
    gate_with: GateWith,
):
    gate = gate_with(crl_pem(trust().root.crl(next_update=START + 20.5 * DAY)))
    warning = r"warning  crl must be signed again .*certgate test root.* days=20"
    assert len(re.findall(warning, gate.stderr.text)) == 1
    gate.reload()
    assert len(re.findall(warning, gate.stderr.text)) == 2


def test_an_issuer_without_a_list_is_refused(gate_with: GateWith):
    """With a CRL configured, nobody is let in whose revocation cannot be looked up."""
    gate = gate_with(crl_pem(trust().root.crl()))
    assert verdict(gate, "good") == "admitted"
    assert verdict(gate, "with_intermediate") == "crl_missing"


def test_only_the_leaf_is_looked_up_by_default_and_the_whole_chain_on_demand(gate_with: GateWith):
    """``crl_check: leaf`` needs the intermediate's list only, ``chain`` the root's as well."""
    lists = crl_pem(trust().sub.crl())
    assert verdict(gate_with(lists), "with_intermediate") == "admitted"
    assert verdict(gate_with(lists, crl_check="chain"), "with_intermediate") == "crl_missing"


def test_a_revoked_intermediate_is_found_by_crl_check_chain(gate_with: GateWith):
    """The root revokes the intermediate; its clients fall with it."""
    root, sub = trust().root, trust().sub
    lists = crl_pem(root.crl([sub.certificate]), sub.crl())
    gate = gate_with(lists, crl_check="chain")
    assert verdict(gate, "with_intermediate") == "certificate_revoked"
    assert verdict(gate, "good") == "admitted"


def test_a_list_past_its_next_update_refuses(gate_with: GateWith):
    """Refusing is the default; otherwise an old list would let in whom a newer one revokes."""
    old = trust().root.crl(last_update=START - 9 * DAY, next_update=START - DAY)
    assert verdict(gate_with(crl_pem(old)), "good") == "crl_expired"


def test_a_stale_list_still_counts_with_crl_stale_warn(gate_with: GateWith):
    """``warn`` forgives the date, not the revocation."""
    old = trust().root.crl(
        [client("revoked")], last_update=START - 9 * DAY, next_update=START - DAY
    )
    gate = gate_with(crl_pem(old), crl_stale="warn")
    assert verdict(gate, "good") == "admitted"
    assert verdict(gate, "revoked") == "certificate_revoked"


def test_a_list_of_the_same_name_by_another_key_does_not_count(gate_with: GateWith):
    """OpenSSL reports only error 3 for it: ignoring that error would admit the revoked."""
    gate = gate_with(crl_pem(impostor().crl()))
    assert verdict(gate, "revoked") in {"crl_missing", "certificate_revoked"}
    assert verdict(gate, "good") == "crl_missing"


def test_without_a_list_nothing_is_checked(start_gate: StartGate):
    """No CRL given means no check."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url, client_auth={"ca": "ca.crt"})
        assert verdict(gate, "revoked") == "admitted"


def test_crl_check_off_checks_nothing(gate_with: GateWith):
    """A bare ``off``, which YAML takes for a boolean, means off."""
    gate = gate_with(crl_pem(trust().root.crl([client("revoked")])), crl_check=Bare("off"))
    assert verdict(gate, "revoked") == "admitted"
