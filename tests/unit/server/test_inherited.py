"""Sockets that the process was started with: whose they are, and what is none."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

import pytest

from proxy.config.listen_addresses import Descriptor, SystemdSocket
from proxy.errors import CertgateError
from proxy.server.inherited import InheritedSockets

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def passed() -> Iterator[int]:
    """The descriptor of a listening socket."""
    sock = socket.create_server(("127.0.0.1", 0))
    number = sock.detach()
    yield number
    with contextlib.suppress(OSError):  # the test may have closed it
        os.close(number)


def environment(**values: str) -> dict[str, str]:
    return {"LISTEN_PID": "7", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "a:b:a", "OTHER": "x", **values}


def names(environ: dict[str, str], pid: int = 7) -> dict[int, str]:
    return InheritedSockets.from_environment(environ, pid)._named


def test_systemd_names_what_it_passes():
    environ = environment()
    assert names(environ) == {3: "a", 4: "b", 5: "a"}
    assert environ == {"OTHER": "x"}


def test_what_has_no_name_is_unknown():
    assert names(environment(LISTEN_FDNAMES="")) == dict.fromkeys((3, 4, 5), "unknown")
    assert names(environment(LISTEN_FDNAMES="a")) == {3: "a", 4: "unknown", 5: "unknown"}
    assert names(environment(LISTEN_FDNAMES="a:b:c:d")) == {3: "a", 4: "b", 5: "c"}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        environment(LISTEN_PID="8"),
        environment(LISTEN_PID=""),
        environment(LISTEN_FDS="x"),
        environment(LISTEN_FDS="-1"),
        environment(LISTEN_FDS="0"),
    ],
)
def test_what_is_meant_for_others_is_nobodys(environ: dict[str, str]):
    assert names(environ) == {}
    assert "LISTEN_PID" not in environ


def test_a_socket_is_taken_by_number(passed: int):
    [sock] = InheritedSockets().take(Descriptor(passed))
    assert sock.fileno() == passed
    assert not sock.get_inheritable()
    sock.close()


def test_all_of_a_name_are_taken(passed: int):
    other = os.dup(passed)
    inherited = InheritedSockets({passed: "web", other: "web", 99999: "more"})
    taken = inherited.take(SystemdSocket("web"))
    assert [sock.fileno() for sock in taken] == [passed, other]
    assert inherited.end_of_start() == ["more"]
    for sock in taken:
        sock.close()


def refusal(inherited: InheritedSockets, address: Descriptor | SystemdSocket) -> str:
    with pytest.raises(CertgateError) as raised:
        inherited.take(address)
    return str(raised.value)


def test_none_is_taken_twice(passed: int):
    inherited = InheritedSockets({passed: "web"})
    [sock] = inherited.take(Descriptor(passed))
    assert "is used already" in refusal(inherited, SystemdSocket("web"))
    sock.close()


def test_a_name_that_was_not_passed():
    assert refusal(InheritedSockets(), SystemdSocket("web")) == (
        "cannot listen on systemd:web: systemd has passed no sockets to this process"
    )
    assert refusal(InheritedSockets({3: "b", 4: "a", 5: "a"}), SystemdSocket("web")) == (
        "cannot listen on systemd:web: systemd has passed other sockets: a, b"
    )


def test_a_number_that_is_not_open():
    assert "is not open" in refusal(InheritedSockets(), Descriptor(99999))


def test_a_file_is_no_socket():
    with open(os.devnull, "rb") as file:  # noqa: PTH123 - its descriptor is wanted
        assert "is not a socket" in refusal(InheritedSockets(), Descriptor(file.fileno()))
        file.read()


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_socket_on_which_nobody_listens_stays_whose_it_is(kind: socket.SocketKind):
    with socket.socket(type=kind) as other:
        assert "is no listening socket" in refusal(InheritedSockets(), Descriptor(other.fileno()))
        other.getsockname()


def test_later_a_number_means_something_else(passed: int):
    inherited = InheritedSockets({passed: "web"})
    assert inherited.end_of_start() == ["web"]
    assert "at the start only" in refusal(inherited, Descriptor(passed))
    assert "at the start only" in refusal(inherited, SystemdSocket("web"))
