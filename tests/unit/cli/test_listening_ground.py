"""Addresses where ``serve`` could not listen are told by ``check``, in the same words."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import TYPE_CHECKING

import pytest

from proxy.cli import listening_ground
from proxy.cli.listening_ground import address_fault, inspect_addresses
from proxy.config.addresses import Address
from proxy.config.load import load_config
from proxy.errors import CertgateError
from proxy.server.sockets import open_address
from tests.gate import settings, write
from tests.privileges import open_folder, owner_of

if TYPE_CHECKING:
    from pathlib import Path

ELSEWHERE = Address("192.0.2.1", 8443)  # RFC 5737: nobody's


async def complaint_of_serve(address: Address) -> str:
    loop = asyncio.get_running_loop()
    with pytest.raises(CertgateError) as caught:
        await open_address(address, loop)
    return str(caught.value)


@pytest.mark.parametrize("host", ["", "127.0.0.1", "localhost", "0.0.0.0"])
def test_an_address_of_this_machine_is_no_fault(host: str):
    assert address_fault(Address(host, 0)) == ""


def test_a_port_that_is_in_use_is_no_fault():
    """The gate that runs has it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert address_fault(Address("127.0.0.1", other.getsockname()[1])) == ""


def test_an_address_of_another_machine():
    fault = address_fault(ELSEWHERE)
    assert fault == "this machine does not have that address"
    said = asyncio.run(complaint_of_serve(ELSEWHERE))
    assert said == f"cannot listen on {ELSEWHERE}: {fault}"


def test_a_name_that_does_not_resolve():
    address = Address("gate.invalid", 8443)
    fault = address_fault(address)
    assert fault == "the name does not resolve; correct it, or write an address of this machine"
    assert asyncio.run(complaint_of_serve(address)) == f"cannot listen on {address}: {fault}"


def test_addresses_are_told_with_their_places(tmp_path: Path):
    listen = ["fd:3", f"{ELSEWHERE}", "127.0.0.1:0", f"unix:{tmp_path}/gate.sock"]
    config = load_config(write(tmp_path, settings(tmp_path, listen=listen)), {})
    fault = "this machine does not have that address"
    message = f"nobody can listen on {ELSEWHERE} here and now: {fault}"
    assert list(inspect_addresses(config)) == [(("listen", 1, "address"), message)]


def test_one_of_several_addresses_is_enough(monkeypatch: pytest.MonkeyPatch):
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 0))
        for host in (ELSEWHERE.host, "127.0.0.1")
    ]
    monkeypatch.setattr(listening_ground.socket, "getaddrinfo", lambda *_, **__: found)
    assert address_fault(Address("two.example", 8443)) == ""


def test_a_port_for_which_a_capability_is_missing():
    address = Address("127.0.0.1", 1)
    if int(listening_ground._FIRST_FREE_PORT.read_text()) <= 1:  # everybody may bind every port
        assert address_fault(address) == ""
        return
    with open_folder() as folder, owner_of(folder):
        fault = address_fault(address)
        said = asyncio.run(complaint_of_serve(address))
        assert address_fault(Address("", 1)) == fault
    assert fault == "permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE"
    assert said == f"cannot listen on {address}: {fault}"


@pytest.mark.parametrize(("first", "port", "code"), [("80", 80, 0), ("81", 80, errno.EACCES)])
def test_the_first_free_port_is_the_system_s_choice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: str, port: int, code: int
):
    (tmp_path / "first").write_text(f"{first}\n")
    (tmp_path / "status").write_text("Name:\tx\nCapEff:\t0000000000000000\n")
    monkeypatch.setattr(listening_ground, "_FIRST_FREE_PORT", tmp_path / "first")
    monkeypatch.setattr(listening_ground, "_STATUS", tmp_path / "status")
    assert listening_ground._port_fault(port) == code
    (tmp_path / "status").write_text("CapEff:\t0000000000000400\n")
    assert listening_ground._port_fault(port) == 0
    (tmp_path / "status").unlink()
    assert listening_ground._port_fault(port) == 0
