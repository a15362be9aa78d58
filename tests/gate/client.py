"""A raw TLS client: it sends exactly the bytes it is given and reads answers strictly."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import h11

from tests.pki import Identity, client, trust

if TYPE_CHECKING:
    from types import TracebackType

TLS12 = ssl.TLSVersion.TLSv1_2
TLS13 = ssl.TLSVersion.TLSv1_3
VERSIONS = (TLS12, TLS13)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response as it arrived.

    Attributes:
        status: the status code.
        headers: names in lower case, in the order received.
        body: what came of it.
        complete: False when the connection ended before the framing said it would.
        interim: the 1xx statuses that came first.
        version: ``1.1`` or ``1.0``.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    complete: bool = True
    interim: tuple[int, ...] = ()
    version: str = "1.1"

    def header(self, name: str) -> str | None:
        """Return the one field of this name, or None. Repeated ones are a failure."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        """Return the values of every field of this name."""
        return [value for key, value in self.headers if key == name.lower()]

    @property
    def text(self) -> str:
        """The body as UTF-8 text."""
        return self.body.decode()

    def json(self) -> Any:
        """Return the body, parsed as JSON."""
        return json.loads(self.body)


def context(
    who: Identity | str | None = None,
    *,
    version: ssl.TLSVersion | None = None,
    ca_pem: bytes | None = None,
) -> ssl.SSLContext:
    """Return a client context that trusts the test server's CA and shows a certificate.

    ``who`` is an identity, or the name of a kind of ``tests.pki.client``; ``none`` and None show
    no certificate. Security level 0, so that the client's own OpenSSL lets weak ones out.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(cadata=(ca_pem or trust().web.pem).decode())
    made.set_ciphers("DEFAULT:@SECLEVEL=0")
    if version is not None:
        made.minimum_version = made.maximum_version = version
    identity = client(who) if isinstance(who, str) and who != "none" else who
    if isinstance(identity, Identity):
        with tempfile.TemporaryDirectory() as folder:
            files = identity.write(Path(folder))
            made.load_cert_chain(files.certificate, files.key)
    return made


@dataclass(slots=True)
class _Reader:
    """Bytes that came after the last response, and where more come from.

    ``ragged`` is True when the connection ended without close_notify, or by a reset: a body that
    only the end of the connection delimits is not complete then.
    """

    sock: socket.socket
    left: bytes = field(default=b"")
    ragged: bool = False

    def more(self) -> bytes:
        """Return the next bytes; nothing at the end of the connection."""
        if self.left:
            data, self.left = self.left, b""
            return data
        try:
            return self.sock.recv(65536)
        except (ssl.SSLEOFError, ConnectionError):
            self.ragged = True
            return b""


class Client:
    """One connection to the gate, over TLS unless ``tls`` is None. Every wait has a deadline."""

    def __init__(
        self,
        port: int,
        tls: ssl.SSLContext | None,
        *,
        host: str = "127.0.0.1",
        server_name: str | None = "localhost",
        session: ssl.SSLSession | None = None,
        timeout: float = 20,
        source: str | None = None,
    ) -> None:
        raw = socket.create_connection(
            (host, port), timeout=timeout, source_address=(source, 0) if source else None
        )
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock: socket.socket = raw
        if tls is not None:
            try:
                self.sock = tls.wrap_socket(
                    raw, server_hostname=server_name, session=session, suppress_ragged_eofs=False
                )
            except BaseException:
                raw.close()
                raise
        self._reader = _Reader(self.sock)

    @classmethod
    def over(cls, sock: socket.socket) -> Self:
        """Return a client that speaks over a socket which is connected already."""
        made = cls.__new__(cls)
        made.sock = sock
        made._reader = _Reader(sock)
        return made

    @property
    def tls(self) -> ssl.SSLSocket:
        """The TLS connection."""
        assert isinstance(self.sock, ssl.SSLSocket)
        return self.sock

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def get(self, path: str = "/", *lines: str, host: str = "localhost") -> Response:
        """Send a GET with these further header lines and return the answer."""
        self.send(head(f"GET {path} HTTP/1.1", f"Host: {host}", *lines))
        return self.response()

    def response(self, method: str = "GET") -> Response:
        """Read one response, and the 1xx before it, as a strict client does."""
        parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        parser.send(h11.Request(method=method, target="/", headers=[("Host", "localhost")]))
        parser.send(h11.EndOfMessage())
        final: h11.Response | None = None
        interim: list[int] = []
        body: list[bytes] = []
        while True:
            try:
                event = parser.next_event()
            except h11.RemoteProtocolError as error:
                # h11 says so, too, when the connection ends before the message does.
                if final is None:
                    raise AssertionError(f"no response came: {error}") from error
                return _response(final, body, interim, complete=False)
            match event:
                case h11.NEED_DATA:
                    parser.receive_data(self._reader.more())
                case h11.InformationalResponse():
                    interim.append(event.status_code)
                case h11.Response():
                    final = event
                case h11.Data():
                    body.append(bytes(event.data))
                case h11.EndOfMessage():
                    self._reader.left = parser.trailing_data[0]
                    assert final is not None
                    return _response(final, body, interim, complete=not self._reader.ragged)
                case _:
                    raise AssertionError(f"no response came: {event!r}")

    def head(self) -> bytes:
        """Read up to the next blank line and return the head's bytes, blank line included."""
        got = b""
        while b"\r\n\r\n" not in got:
            data = self._reader.more()
            if not data:
                raise AssertionError(f"the connection ended inside a head: {got!r}")
            got += data
        before, separator, self._reader.left = got.partition(b"\r\n\r\n")
        return before + separator

    def read(self, size: int) -> bytes:
        """Read exactly so many bytes, or fewer at the end of the connection."""
        got = bytearray()
        while len(got) < size and (data := self._reader.more()):
            got += data
        self._reader.left = bytes(got[size:]) + self._reader.left
        return bytes(got[:size])

    def rest(self) -> bytes:
        """Read everything up to the end of the connection."""
        got = []
        while data := self._reader.more():
            got.append(data)
        return b"".join(got)

    def is_closed(self) -> bool:
        """Tell, waiting at most the deadline, whether the peer ended the connection."""
        return self._reader.more() == b""

    def reset(self) -> None:
        """Vanish: close with RST, as a client does that crashed."""
        linger_zero = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_zero)
        self.sock.close()

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def connect(
    port: int, who: Identity | str | None = "good", version: ssl.TLSVersion | None = None
) -> Client:
    """Connect to the gate as this client, with a context made for this one connection."""
    return Client(port, context(who, version=version))


def _response(
    final: h11.Response, body: list[bytes], interim: list[int], *, complete: bool
) -> Response:
    headers = tuple((key.decode(), value.decode("latin-1")) for key, value in final.headers)
    return Response(
        final.status_code,
        headers,
        b"".join(body),
        complete,
        tuple(interim),
        final.http_version.decode(),
    )


def head(*lines: str) -> bytes:
    """Return a head of these lines, blank line included."""
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")
