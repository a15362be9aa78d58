"""The host of a request, as the route table knows it."""

from __future__ import annotations

import pytest

from proxy.routing.host import host_name


@pytest.mark.parametrize(
    ("field", "name"),
    [
        (b"app.example.com", b"app.example.com"),
        (b"APP.Example.COM:8443", b"app.example.com"),
        (b"app.example.com.", b"app.example.com"),
        (b"app.example.com.:443", b"app.example.com"),
        (b"127.0.0.1:8443", b"127.0.0.1"),
        (b"[::1]:8443", b"::1"),
        (b"[::1]", b"::1"),
        (b"[0:0:0::1]", b"::1"),
        (b"[FE80::A]", b"fe80::a"),
        (b"[nonsense]:1", b"nonsense"),
        (b"[\xff]", b"\xff"),
        (b"", b""),
        (b".", b""),
        (b"\xff\xfe", b"\xff\xfe"),
    ],
)
def test_case_port_brackets_and_the_root_dot_do_not_matter(field: bytes, name: bytes):
    assert host_name(field) == name
