"""``healthcheck`` says yes to a gate that answers, and to nothing else."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from proxy.cli.healthcheck import healthcheck
from proxy.errors import CertgateError
from tests.gate import settings, write
from tests.pki import server, trust

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Serve = Callable[[Callable[[socket.socket], None]], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Listen on a port and treat one connection so."""
    threads: list[threading.Thread] = []

    def start(treat: Callable[[socket.socket], None], host: str = "127.0.0.1") -> int:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, 0), family=family)

        def run() -> None:
            with listener, listener.accept()[0] as sock:
                sock.settimeout(10)
                treat(sock)

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()
        port: int = listener.getsockname()[1]
        return port

    yield start
    for thread in threads:
        thread.join(10)


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    files = server().write(tmp_path, "other")
    context.load_cert_chain(files.certificate, files.key)
    return context


@pytest.mark.parametrize("timeout", ["nan", "inf", "0", "-1", "soon"])
def test_a_timeout_that_is_no_time_is_wrong_usage(tmp_path: Path, timeout: str):
    result = check(tmp_path, "127.0.0.1:8443", "--timeout", timeout)
    assert result.exit_code == 2
    assert "Invalid value for '--timeout'" in result.output


def check(folder: Path, listen: object, *more: str, **changes: object) -> Result:
    path = write(folder, settings(folder, listen=listen, **changes))
    return CliRunner().invoke(healthcheck, ["-c", str(path), *more])


def reason(result: Result) -> str:
    assert isinstance(result.exception, CertgateError), result
    return str(result.exception)


@pytest.mark.parametrize("listen", ["127.0.0.1:{}", "0.0.0.0:{}", ":{}"])
def test_any_answer_will_do(tmp_path: Path, serve: Serve, context: ssl.SSLContext, listen: str):
    asked: list[bytes] = []

    def answer(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as tls:
            asked.append(tls.recv(4096))
            tls.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    result = check(tmp_path, listen.format(serve(answer)))
    assert result.output == "ok\n"
    assert asked[0].startswith(b"OPTIONS * HTTP/1.1\r\n")


def test_every_address_of_ipv6_is_asked_by_ipv6(
    tmp_path: Path, context: ssl.SSLContext, serve: Callable[..., int]
):
    """Both loops bind ``::`` for IPv6 alone."""

    def answer(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as tls:
            tls.recv(4096)
            tls.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    for listen in ("[::]:{}", ":{}"):  # the second is IPv6 where there is no IPv4
        try:
            port = serve(answer, "::1")
        except OSError:
            pytest.skip("no IPv6 here")
        assert check(tmp_path, listen.format(port)).output == "ok\n"


def test_a_gate_that_refuses_in_the_handshake_lives(
    tmp_path: Path, serve: Serve, context: ssl.SSLContext
):
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=trust().ca_pem.decode())

    def refuse(sock: socket.socket) -> None:
        with pytest.raises(ssl.SSLError), context.wrap_socket(sock, server_side=True) as tls:
            tls.recv(4096)

    client_auth = {"ca": "ca.crt", "reject_with": "alert"}
    result = check(tmp_path, f"127.0.0.1:{serve(refuse)}", client_auth=client_auth)
    assert result.output == "ok\n"


def test_nobody_there(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    assert reason(check(tmp_path, f"127.0.0.1:{port}")) == (
        f"127.0.0.1:{port}: the proxy does not answer: connection refused"
    )


def test_somebody_who_says_nothing(tmp_path: Path, serve: Serve):
    port = serve(lambda sock: sock.recv(4096) and sock.recv(4096) and None)
    result = check(tmp_path, f"127.0.0.1:{port}", "--timeout", "0.1")
    assert "the proxy does not answer" in reason(result)


def test_somebody_without_tls(tmp_path: Path, serve: Serve):
    port = serve(lambda sock: sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    assert reason(check(tmp_path, f"127.0.0.1:{port}")) == (
        f"127.0.0.1:{port}: something there answers, but not with TLS; is it another program?"
    )


def test_somebody_who_hangs_up_in_the_handshake(tmp_path: Path, serve: Serve):
    port = serve(lambda sock: sock.recv(65536) and None)
    assert "ends the connection in the handshake" in reason(check(tmp_path, f"127.0.0.1:{port}"))


def test_a_handshake_that_fails_is_told_in_words(
    tmp_path: Path, serve: Serve, context: ssl.SSLContext
):
    context.set_ciphers("PSK")
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    def refuse(sock: socket.socket) -> None:
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(sock, server_side=True)

    said = reason(check(tmp_path, f"127.0.0.1:{serve(refuse)}"))
    assert "the TLS handshake fails: " in said
    assert "_" not in said


def test_a_name_that_nobody_knows(tmp_path: Path):
    said = reason(check(tmp_path, "gate.invalid:8443"))
    assert said == "gate.invalid:8443: the name does not resolve; correct it in listen"


def test_somebody_without_http(tmp_path: Path, serve: Serve, context: ssl.SSLContext):
    def greet(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as tls:
            tls.recv(4096)
            tls.sendall(b"220 mail.example ESMTP\r\n")

    port = serve(greet)
    assert "did not answer with HTTP" in reason(check(tmp_path, f"127.0.0.1:{port}"))
