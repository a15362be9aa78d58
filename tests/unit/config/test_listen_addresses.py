"""Where a gate listens, as people write it."""

from __future__ import annotations

import pytest

from proxy.config.addresses import Address
from proxy.config.listen_addresses import (
    Descriptor,
    ListenAddress,
    SocketPath,
    SystemdSocket,
    parse_listen_address,
)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("0.0.0.0:8443", Address("0.0.0.0", 8443)),
        (8443, Address("", 8443)),
        ("unix:/run/gate.sock", SocketPath("/run/gate.sock")),
        ("fd:3", Descriptor(3)),
        ("systemd:certgate.socket", SystemdSocket("certgate.socket")),
        (SocketPath("/a"), SocketPath("/a")),
        (Descriptor(4), Descriptor(4)),
    ],
)
def test_addresses(written: object, address: ListenAddress):
    assert parse_listen_address(written) == address
    assert parse_listen_address(str(address)) == address


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("unix:gate.sock", "not the whole path"),
        ("unix:" + "/x" * 60, "at most 107 bytes"),
        ("fd:0", "the first one is 3"),
        ("fd:03", "the first one is 3"),
        ("fd:99999999", "the first one is 3"),
        ("systemd:", "FileDescriptorName"),
        ("systemd:a:b", "FileDescriptorName"),
        ("nowhere", "has no port"),
        ([], "expects an address"),
    ],
)
def test_what_is_no_address(written: object, reason: str):
    with pytest.raises(ValueError, match=reason):
        parse_listen_address(written)
