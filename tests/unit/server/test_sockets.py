"""Listening sockets: both families, Unix sockets of the living and the dead."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
from typing import TYPE_CHECKING, Any

import pytest

from proxy.config.addresses import Address
from proxy.errors import CertgateError
from proxy.server import sockets
from proxy.server.sockets import UnixSocketFile, open_address
from tests.privileges import open_folder, owner_of

if TYPE_CHECKING:
    from pathlib import Path


async def opened(host: str, port: int = 0) -> list[socket.socket]:
    return await open_address(Address(host, port), asyncio.get_running_loop())


def close(made: list[socket.socket]) -> None:
    for sock in made:
        sock.close()


async def test_a_port_alone_is_every_address():
    made = await opened("")
    assert {sock.family for sock in made} == {socket.AF_INET, socket.AF_INET6}
    assert len({sock.getsockname()[1] for sock in made}) == 1
    assert made[1].getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    assert all(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) for sock in made)
    close(made)


class Lame(socket.socket):
    """A socket of a machine without one of the families."""

    missing: socket.AddressFamily
    says = errno.EADDRNOTAVAIL

    def bind(self, address: Any) -> None:
        if self.family == self.missing:
            raise OSError(self.says, os.strerror(self.says))
        super().bind(address)


@pytest.mark.parametrize("says", [errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
@pytest.mark.parametrize(
    ("missing", "there"),
    [(socket.AF_INET, socket.AF_INET6), (socket.AF_INET6, socket.AF_INET)],
)
async def test_a_machine_without_one_family_has_the_other(
    monkeypatch: pytest.MonkeyPatch,
    missing: socket.AddressFamily,
    there: socket.AddressFamily,
    says: int,
):
    monkeypatch.setattr(Lame, "missing", missing, raising=False)
    monkeypatch.setattr(Lame, "says", says)
    monkeypatch.setattr(sockets.socket, "socket", Lame)
    made = await opened("")
    assert [sock.family for sock in made] == [there]
    close(made)
    asked_for = "::1" if missing == socket.AF_INET6 else "127.0.0.1"
    with pytest.raises(CertgateError, match="does not have that"):
        await opened(asked_for)


async def test_a_port_that_only_one_family_has_free_is_drawn_again(
    monkeypatch: pytest.MonkeyPatch,
):
    failures = [errno.EADDRINUSE] * 3

    class Busy(socket.socket):
        def bind(self, address: Any) -> None:
            if self.family == socket.AF_INET6 and failures:
                raise OSError(failures.pop(), "in use")
            super().bind(address)

    monkeypatch.setattr(sockets.socket, "socket", Busy)
    made = await opened("")
    assert not failures
    assert len({sock.getsockname()[1] for sock in made}) == 1
    close(made)
    failures += [errno.EADDRINUSE] * 99
    with pytest.raises(CertgateError, match="in use by another"):
        await opened("")
    assert len(failures) == 99 - 16


async def test_a_port_that_one_family_has_in_use_is_in_use():
    """Half a gate would be a surprise; what was opened is closed again."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        port = other.getsockname()[1]
        with pytest.raises(CertgateError, match=r"cannot listen on :\d+: .*in use by another"):
            await opened("", port)
        with socket.create_server(("127.0.0.1", port)):
            pass


async def test_a_name_is_all_of_its_addresses():
    made = await opened("localhost")
    assert made
    assert all(sock.getsockname()[0] in ("127.0.0.1", "::1") for sock in made)
    close(made)


async def test_an_address_of_another_machine_says_so():
    with pytest.raises(CertgateError, match="does not have that address"):
        await opened("192.0.2.1")


# Unix sockets


def test_only_the_owner_and_the_group_may_connect(tmp_path: Path):
    before = os.umask(0)
    try:
        file = UnixSocketFile.open(str(tmp_path / "gate.sock"))
        assert stat.S_IMODE((tmp_path / "gate.sock").stat().st_mode) == 0o660
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    file.remove()
    file.sock.close()
    assert list(tmp_path.iterdir()) == []


def test_the_socket_of_a_dead_process_is_replaced(tmp_path: Path):
    path = tmp_path / "gate.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    assert path.is_socket()
    with UnixSocketFile.open(str(path)).sock, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_living_socket_is_not_replaced(tmp_path: Path):
    path = tmp_path / "gate.sock"
    with UnixSocketFile.open(str(path)).sock:
        inode = path.stat().st_ino
        with pytest.raises(CertgateError, match=r"unix:/.*gate\.sock: it is in use"):
            UnixSocketFile.open(str(path))
        assert path.stat().st_ino == inode


def test_a_busy_socket_is_alive(tmp_path: Path):
    """Its queue is full."""
    path = tmp_path / "gate.sock"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
        busy.bind(str(path))
        busy.listen(0)
        waiting.connect(str(path))
        with pytest.raises(CertgateError, match="it is in use"):
            UnixSocketFile.open(str(path))


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_no_socket_is_not_replaced(tmp_path: Path, kind: str):
    path = tmp_path / "gate.sock"
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "elsewhere.sock")
    with pytest.raises(CertgateError, match="a file that is not a socket"):
        UnixSocketFile.open(str(path))
    assert os.path.lexists(path)


def test_the_folder_has_to_be_there(tmp_path: Path):
    with pytest.raises(CertgateError, match="there is no such folder"):
        UnixSocketFile.open(str(tmp_path / "no" / "gate.sock"))


def test_the_folder_has_to_be_writable():
    with open_folder() as folder:
        folder.chmod(0o555)
        with owner_of(folder), pytest.raises(CertgateError, match="permission denied"):
            UnixSocketFile.open(str(folder / "gate.sock"))


def test_the_socket_of_a_successor_is_not_removed(tmp_path: Path):
    """Somebody removed ours by hand, and another gate has the place now."""
    path = tmp_path / "gate.sock"
    first = UnixSocketFile.open(str(path))
    path.unlink()
    second = UnixSocketFile.open(str(path))
    first.remove()
    first.sock.close()
    assert path.is_socket()
    second.remove()
    second.remove()
    second.sock.close()
    assert not path.exists()
