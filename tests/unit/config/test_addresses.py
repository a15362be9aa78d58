"""Addresses and servers, as people write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.config.addresses import Address, Server, parse_address, parse_server

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("0.0.0.0:8443", Address("0.0.0.0", 8443)),
        ("[::]:8443", Address("::", 8443)),
        ("[0:0::1]:1", Address("::1", 1)),
        (":8443", Address("", 8443)),
        ("8443", Address("", 8443)),
        (8443, Address("", 8443)),
        ("localhost:0", Address("localhost", 0)),
        ("Gate.Example.COM.:443", Address("gate.example.com", 443)),
        (Address("", 1), Address("", 1)),
    ],
)
def test_addresses_to_listen_on(written: object, address: Address):
    assert parse_address(written) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("written", "server"),
    [
        ("http://127.0.0.1:3000", Server("127.0.0.1", 3000)),
        ("HTTP://App.internal/", Server("app.internal", 80)),
        ("http://[::1]", Server("::1", 80)),
        ("http://[::1]:3000/", Server("::1", 3000)),
        ("my_app:3000", Server("my_app", 3000)),
        ("[::1]:3000", Server("::1", 3000)),
        ("3000", Server("127.0.0.1", 3000)),
        (3000, Server("127.0.0.1", 3000)),
        ("https://app.internal", Server("app.internal", 443, is_tls=True)),
        ("HTTPS://[::1]/", Server("::1", 443, is_tls=True)),
        ("https://a:8443", Server("a", 8443, is_tls=True)),
        ("unix:/run/app.sock", Server("", 0, path="/run/app.sock")),
        (Server("a", 1), Server("a", 1)),
    ],
)
def test_servers_to_speak_to(written: object, server: Server):
    """Underscores are no host names to DNS, but Docker Compose makes such."""
    assert parse_server(written) == server
    assert parse_server(str(server)) == server


@pytest.mark.parametrize(
    ("server", "address"),
    [
        (Server("::1", 80), "[::1]:80"),
        (Server("a", 443, is_tls=True), "a:443"),
        (Server("", 0, path="/s"), "unix:/s"),
    ],
)
def test_the_log_shows_servers_as_nginx_does(server: Server, address: str):
    assert server.address == address


@pytest.mark.parametrize(
    "text", ["unix:", "unix:app.sock", "unix:/a\nb", "unix:/" + "x" * 107, "unix:/" + "é" * 54]
)
def test_what_is_no_path_of_a_socket_is_refused(text: str):
    with pytest.raises(ValueError, match="“"):
        parse_server(text)


@pytest.mark.parametrize("parse", [parse_address, parse_server])
@pytest.mark.parametrize("value", [None, True, 1.5, [], ["a"], b"a:1"])
def test_other_types_are_refused(parse: Callable[[object], object], value: object):
    with pytest.raises(ValueError, match="expects"):
        parse(value)


@pytest.mark.parametrize(
    "text",
    [
        "http://a\tb:1",
        "http://a\n:1",
        " http://a:1",
        "http://a:1 ",
        "http://\u2028a:1",
        "http://a:",
    ],
)
def test_what_url_parsers_silently_drop_is_refused(text: str):
    with pytest.raises(ValueError, match="“"):
        parse_server(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://a:1#x",
        "http://a:1/#",
        "http://a:1/?",
        "http://a;b:1",
        "http://a%41:1",
        "http://[::1",
        "http://[::1]x:1",
        "http://::1:1",
        "http://a@b:1",
        "http:///x",
        "http:a",
        "http://a:b:1",
    ],
)
def test_what_is_more_than_host_and_port_is_refused(text: str):
    with pytest.raises(ValueError, match=r"“|a server"):
        parse_server(text)
