"""From a configuration to what is in force, and every problem on the way at once."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from proxy.access.decision import Access
from proxy.access.rate import Rate
from proxy.config.load import load_config
from proxy.errors import CertgateError, ConfigError
from proxy.snapshot import (
    ConnectionLimit,
    RequestLimit,
    Snapshot,
    StaticFiles,
    build_snapshot,
    with_fresh_crls,
)
from tests.gate import revoke, settings, write
from tests.pki import Authority, certificate_pem, client, crl_pem, server, stranger, trust

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.config.model import Config


def config_of(folder: Path, **changes: Any) -> Config:
    return load_config(write(folder, settings(folder, **changes)), {})


def snapshot_of(folder: Path, **changes: Any) -> Snapshot:
    return build_snapshot(config_of(folder, **changes))


def revokes(snapshot: Snapshot, kind: str) -> bool:
    serial = client(kind).leaf.serial_number
    return any(
        crl.get_revoked_certificate_by_serial_number(serial) is not None
        for crl in snapshot.revocation.crls
    )


def test_values_arrive_as_plain_values(tmp_path: Path):
    snapshot = snapshot_of(
        tmp_path,
        limits={"head": "1KiB", "fields": 7, "body": 8, "connections": 9},
        timeouts={"head": "2s", "tunnel": "1h"},
        identity_headers=["client-cert"],
    )
    limits, timeouts = snapshot.limits, snapshot.timeouts
    assert (limits.head, limits.fields, limits.body, limits.connections) == (1024, 7, 8, 9)
    assert (timeouts.head, timeouts.tunnel, timeouts.handshake) == (2.0, 3600.0, 10.0)
    assert snapshot.identity_headers == ("client-cert",)
    assert list(snapshot.upstreams) == ["app"]


def test_without_limits_on_visitors_there_is_nothing_to_look_at(tmp_path: Path):
    """So that a request costs one look at None."""
    snapshot = snapshot_of(tmp_path, limits={"body": 5}, routes=[{"limits": {"body": 0}}])
    match = snapshot.routes.match(b"any.example", b"/")
    assert snapshot.visitors is None
    assert match is not None
    assert (match.payload.body, match.payload.limits) == (0, None)


def test_limits_are_sorted_by_when_they_are_looked_at(tmp_path: Path):
    requests = [
        {"per": "certificate", "rate": "20/m"},
        {"per": "address", "rate": "600/m", "burst": 3},
    ]
    on_route = {"requests": {"per": "route", "rate": "1/h"}, "connections": 4}
    visitors = snapshot_of(
        tmp_path,
        limits={"requests": requests, "connections_per": {"certificate": 1, "address": 2}},
        routes=[{"path": "/"}, {"path": "/few", "host": "a.test", "limits": on_route}],
    ).visitors
    assert visitors is not None
    assert visitors.on_accept == ConnectionLimit("", "address", 2)
    assert visitors.on_handshake == ConnectionLimit("", "certificate", 1)
    assert visitors.before_decision == (RequestLimit("", "address", Rate(600, "m"), 3),)
    # All of one span may come at once, unless a burst is given.
    assert visitors.after_decision == (RequestLimit("", "certificate", Rate(20, "m"), 19),)
    [route] = visitors.routes
    assert route.requests == (RequestLimit("a.test/few", "route", Rate(1, "h"), 0),)
    assert route.connections == (ConnectionLimit("a.test/few", "route", 4),)
    assert len(visitors.names) == 3


def test_the_short_form_lets_verified_clients_to_the_one_app(tmp_path: Path):
    match = snapshot_of(tmp_path).routes.match(b"any.example", b"/any/path")
    assert match is not None
    assert (match.payload.access, match.payload.upstream) == (Access.VERIFIED, "app")


def test_every_route_leads_where_it_says(tmp_path: Path):
    snapshot = snapshot_of(
        tmp_path,
        upstream=None,
        upstreams={"a": {"servers": ["9"]}, "b": {"servers": ["10"]}},
        routes=[
            {"host": "a.example", "path": "/", "upstream": "a"},
            {"path": "/open/", "upstream": "b", "access": "public"},
        ],
    )
    first = snapshot.routes.match(b"a.example", b"/x")
    second = snapshot.routes.match(b"b.example", b"/open/x")
    assert first is not None
    assert second is not None
    assert (first.payload.upstream, first.payload.access) == ("a", Access.VERIFIED)
    assert (second.payload.upstream, second.payload.access) == ("b", Access.PUBLIC)
    assert snapshot.routes.match(b"b.example", b"/x") is None


def test_trust_is_what_the_files_hold(tmp_path: Path):
    (tmp_path / "sub.crt").write_bytes(certificate_pem(trust().sub.certificate))
    client_auth = {"ca": "ca.crt", "intermediates": "sub.crt", "crl": "crl.pem"}
    snapshot = snapshot_of(tmp_path, client_auth=client_auth)
    assert snapshot.anchors == {trust().root.certificate}
    assert snapshot.trust.issuers == (trust().root.certificate, trust().sub.certificate)
    assert trust().sub.subject.public_bytes() in snapshot.known_issuers


def test_the_name_of_an_anchor_is_not_that_of_a_missing_intermediate(tmp_path: Path):
    """A chain that ends below it was made by another CA of that name."""
    assert trust().root.subject.public_bytes() not in snapshot_of(tmp_path).known_issuers


@pytest.mark.parametrize(
    ("reject_with", "mode"), [("page", ssl.CERT_OPTIONAL), ("alert", ssl.CERT_REQUIRED)]
)
def test_who_refuses_in_the_handshake_is_asked_for(
    tmp_path: Path, reject_with: str, mode: ssl.VerifyMode
):
    client_auth = {"ca": "ca.crt", "reject_with": reject_with, "verify_depth": 2}
    snapshot = snapshot_of(
        tmp_path,
        client_auth=client_auth,
        tls={"certificate": "server.crt", "private_key": "server.key", "min_version": "1.3"},
    )
    assert snapshot.tls.verify_mode is mode
    assert snapshot.tls.verify_depth == 2
    assert snapshot.tls.minimum_version is ssl.TLSVersion.TLSv1_3


def test_more_certificates_by_name(tmp_path: Path):
    server("other.example").write(tmp_path, "other")
    names = [{"name": "other.example", "certificate": "other.crt", "private_key": "other.key"}]
    tls = {"certificate": "server.crt", "private_key": "server.key", "server_names": names}
    assert snapshot_of(tmp_path, tls=tls).tls is not None


def test_all_problems_of_the_files_are_told_at_once(tmp_path: Path):
    for name in ("bad.crt", "bad.pem", "bad.key"):
        (tmp_path / name).write_text("rubbish")
    server("other.example").write(tmp_path, "other")
    names = [{"name": "other.example", "certificate": "other.crt", "private_key": "bad.key"}]
    config = config_of(
        tmp_path,
        tls={"certificate": "server.crt", "private_key": "other.key", "server_names": names},
        client_auth={"ca": "bad.crt", "intermediates": "bad.crt", "crl": "bad.pem"},
    )
    with pytest.raises(ConfigError) as caught:
        build_snapshot(config)
    assert {problem.key for problem in caught.value.problems} == {
        "client_auth.ca",
        "client_auth.intermediates",
        "client_auth.crl",
        "tls.private_key",
        "tls.server_names[0].private_key",
    }


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ({"certificate": "bad"}, "tls.certificate"),
        ({"certificate": "server.key"}, "tls.certificate"),
        ({"certificate": "disorder"}, "tls.certificate"),
        ({"private_key": "server.crt"}, "tls.private_key"),
        ({"private_key_passphrase_file": "empty"}, "tls.private_key_passphrase_file"),
    ],
)
def test_a_fault_of_a_server_file_names_its_key(tmp_path: Path, section: dict[str, str], key: str):
    (tmp_path / "bad").write_text("rubbish")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "disorder").write_text("to be written")
    tls = {"certificate": "server.crt", "private_key": "server.key"} | section
    config = config_of(tmp_path, tls=tls)
    (tmp_path / "disorder").write_bytes((tmp_path / "server.crt").read_bytes() + stranger().pem)
    with pytest.raises(ConfigError) as caught:
        build_snapshot(config)
    assert [problem.key for problem in caught.value.problems] == [key]


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ({"ca": "bad"}, "upstreams.app.tls.ca"),
        ({"certificate": "bad", "private_key": "server.key"}, "upstreams.app.tls.certificate"),
        ({"certificate": "server.crt", "private_key": "bad"}, "upstreams.app.tls.private_key"),
    ],
)
def test_a_fault_of_an_app_s_tls_file_names_its_key(
    tmp_path: Path, section: dict[str, str], key: str
):
    (tmp_path / "bad").write_text("rubbish")
    app = {"servers": ["https://127.0.0.1:1"], "tls": section}
    with pytest.raises(ConfigError) as caught:
        snapshot_of(tmp_path, upstreams={"app": app}, upstream=None)
    assert [problem.key for problem in caught.value.problems] == [key]


def test_what_tls_cannot_use_is_a_problem_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(**_: object) -> None:
        raise CertgateError("OpenSSL does not like it")

    monkeypatch.setattr("proxy.snapshot.build.build_context", fail)
    with pytest.raises(ConfigError, match=r"^tls: OpenSSL does not like it"):
        snapshot_of(tmp_path)


def test_a_ca_that_leads_nowhere_and_an_intermediate_that_ends_a_chain_are_told_where_they_stand(
    tmp_path: Path,
):
    root = Authority("root")
    (tmp_path / "sub.crt").write_bytes(root.intermediate("sub").pem)
    (tmp_path / "root.crt").write_bytes(root.pem)
    with pytest.raises(ConfigError) as caught:
        snapshot_of(tmp_path, client_auth={"ca": "sub.crt", "intermediates": "root.crt"})
    assert [problem.key for problem in caught.value.problems] == [
        "client_auth.ca",
        "client_auth.intermediates",
    ]


# Revocation


def test_without_lists_nothing_is_checked(tmp_path: Path):
    assert snapshot_of(tmp_path, client_auth={"ca": "ca.crt"}).revocation.check == "off"


def test_lists_are_in_force(tmp_path: Path):
    snapshot = snapshot_of(tmp_path)
    assert snapshot.revocation.check == "leaf"
    assert revokes(snapshot, "revoked")
    assert not revokes(snapshot, "good")


def test_fresh_lists_are_all_that_changes(tmp_path: Path):
    before = snapshot_of(tmp_path)
    revoke(tmp_path, client("good"))
    after = with_fresh_crls(before)
    assert revokes(after, "good")
    assert not revokes(before, "good")
    assert after.tls is before.tls
    assert after.routes is before.routes


@pytest.mark.parametrize("content", [b"", b"half a list", None])
def test_lists_that_cannot_be_read_leave_the_old_ones(tmp_path: Path, content: bytes | None):
    before = snapshot_of(tmp_path)
    if content is None:
        (tmp_path / "crl.pem").unlink()
    else:
        (tmp_path / "crl.pem").write_bytes(content)
    with pytest.raises(ConfigError):
        with_fresh_crls(before)


def test_an_older_copy_of_a_list_lets_nobody_in_again(tmp_path: Path):
    """Neither by itself nor by a reload."""
    config = config_of(tmp_path)
    old = (tmp_path / "crl.pem").read_bytes()
    revoke(tmp_path, client("good"))
    before = build_snapshot(config)
    (tmp_path / "crl.pem").write_bytes(old)
    for after in (with_fresh_crls(before), build_snapshot(config, before)):
        assert revokes(after, "good")
        [kept] = after.revocation.kept
        assert kept.issuer == trust().root.certificate.subject
    assert not revokes(build_snapshot(config), "good")


def test_lists_of_a_ca_that_a_reload_no_longer_trusts_do_no_harm(tmp_path: Path):
    before = snapshot_of(tmp_path)
    (tmp_path / "other.crt").write_bytes(stranger().pem)
    (tmp_path / "other.pem").write_bytes(crl_pem(stranger().crl()))
    after = build_snapshot(
        config_of(tmp_path, client_auth={"ca": "other.crt", "crl": "other.pem"}), before
    )
    assert after.anchors == {stranger().certificate}
    assert after.revocation.has_list_of(stranger().certificate)


def test_a_list_that_is_forged_is_named(tmp_path: Path):
    forged = Authority("certgate test root").crl()
    config = config_of(tmp_path)
    (tmp_path / "crl.pem").write_bytes(crl_pem(forged))
    assert len(build_snapshot(config).revocation.unusable) == 1


def test_a_route_to_a_folder_needs_no_app(tmp_path: Path):
    (tmp_path / "public").mkdir()
    routes = [
        {"path": path, "static": "public", "index": ["a", "b"]} for path in ("/", "/x/y", "/z/")
    ]
    snapshot = snapshot_of(tmp_path, upstream=None, routes=routes)
    assert snapshot.upstreams == {}
    for target, depth in ((b"/", 0), (b"/x/y/a", 2), (b"/z", 1)):
        match = snapshot.routes.match(b"any.example", target)
        assert match is not None
        folder = os.fsencode(tmp_path / "public")
        assert match.payload.answer == StaticFiles(folder, (b"a", b"b"), depth)
