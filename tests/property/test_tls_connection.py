"""A connection of ours and pyOpenSSL's own, fed with the same: the same comes out of both."""

from __future__ import annotations

import ssl
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from proxy.tls.failure import TLSError
from proxy.tls.files import pair
from proxy.tls.openssl import clear_error_queue, error_queue_is_empty
from proxy.tls.peer import read_peer
from tests.pki import client, rsa_key, trust
from tests.unit.tls.memory import VERSIONS, client_context, gate, open_ends

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.tls.context import ClientCertContext

Step = tuple[str, Any]
WAITS = "waits"


class Ours:
    """What happens to a connection of ours, in words."""

    def __init__(self, context: ClientCertContext) -> None:
        self._tls = context.new_connection()

    def feed(self, data: bytes) -> None:
        self._tls.feed(data)

    def drain(self, size: int) -> bytes:
        return self._tls.drain(size)

    def step(self, what: str, argument: Any) -> object:
        """Do one thing; return what came of it."""
        tls = self._tls
        steps: dict[str, Callable[[], object]] = {
            "handshake": lambda: tls.handshake() or WAITS,
            "read": lambda: WAITS if (got := tls.read(argument)) is None else got,
            "write": lambda: tls.write(argument) or len(argument),
            "shutdown": tls.shutdown,
            "end": tls.feed_end,
            "pending": tls.pending,
        }
        try:
            return steps[what]()
        except TLSError as error:
            return _in_words(error.number)
        finally:
            assert error_queue_is_empty()


class Theirs:
    """The same for pyOpenSSL's, of a context of the same settings."""

    def __init__(self, context: ClientCertContext) -> None:
        self._tls = SSL.Connection(context.freeze().context)
        self._tls.set_accept_state()

    def feed(self, data: bytes) -> None:
        if data:
            self._tls.bio_write(data)

    def drain(self, size: int) -> bytes:
        with suppress(SSL.WantReadError):
            return self._tls.bio_read(size)
        return b""

    def step(self, what: str, argument: Any) -> object:
        """Do one thing; return what came of it."""
        tls = self._tls
        steps: dict[str, Callable[[], object]] = {
            "handshake": lambda: tls.do_handshake() is None,
            "read": lambda: tls.recv(argument),
            "write": lambda: tls.send(argument),
            "shutdown": tls.shutdown,
            "end": tls.bio_shutdown,
            "pending": tls.pending,
        }
        try:
            return steps[what]()
        except SSL.WantReadError:
            return WAITS
        except SSL.ZeroReturnError:
            return b""
        except SSL.SysCallError:
            return "cut"
        except (SSL.Error, AssertionError):
            return "broken"
        finally:
            clear_error_queue()


def _in_words(number: int) -> str:
    names = {ssl.SSL_ERROR_WANT_READ: WAITS, ssl.SSL_ERROR_SYSCALL: "cut"}
    return names.get(ssl.SSLErrorNumber(number), "broken")


class Line:
    """A client of the standard library and one of the two servers."""

    def __init__(self, server: Ours | Theirs, browser: ssl.SSLContext) -> None:
        self.server = server
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = browser.wrap_bio(self._in, self._out, server_hostname="localhost")
        self._unsent = b""

    def step(self, what: str, argument: Any) -> object:
        """Do one thing, at either end; return what came of it."""
        if what.startswith("client"):
            return self._client(what, argument)
        if what == "feed":
            self._unsent += self._out.read()
            piece, self._unsent = self._unsent[:argument], self._unsent[argument:]
            self.server.feed(piece)
            return None
        if what == "garbage":
            self.server.feed(argument)
            return None
        if what == "drain":
            return self._in.write(self.server.drain(argument))
        return self.server.step(what, argument)

    def _client(self, what: str, argument: Any) -> object:
        steps: dict[str, Callable[[], object]] = {
            "client handshake": self._tls.do_handshake,
            "client write": lambda: self._tls.write(argument),
            "client read": lambda: self._tls.read(1 << 20),
            "client end": self._tls.unwrap,
        }
        try:
            return steps[what]()
        except ssl.SSLWantReadError:
            return WAITS
        except (ssl.SSLError, ValueError):
            return "error"


BYTES = st.binary(min_size=1, max_size=50) | st.integers(1, 40_000).map(lambda size: b"x" * size)
SIZES = st.sampled_from([1, 5, 100, 1 << 16])
STEPS = st.one_of(
    st.tuples(
        st.sampled_from(["handshake", "client handshake", "client read", "pending"]), st.none()
    ),
    st.tuples(st.sampled_from(["write", "client write"]), BYTES),
    st.tuples(st.sampled_from(["read", "drain", "feed"]), SIZES),
)
ENDS = st.one_of(
    st.tuples(st.sampled_from(["shutdown", "end", "client end"]), st.none()),
    st.tuples(st.just("garbage"), st.binary(min_size=1, max_size=30)),
)
SCRIPTS = st.lists(st.one_of(STEPS, STEPS, STEPS, ENDS), max_size=25)
FLIGHT: list[Step] = [
    *(("client handshake", None), ("feed", 1 << 16), ("handshake", None), ("drain", 1 << 16)),
]
GOODBYE: list[Step] = [("client end", None), ("feed", 1 << 16)]
ALL_AT_ONCE: list[Step] = [*FLIGHT, *FLIGHT, ("client handshake", None)]


# ECDSA's signatures have different lengths, and so would the flights.
KEY = rsa_key(2048)


@cache
def browser(who: str, version: ssl.TLSVersion) -> ssl.SSLContext:
    issuers = {"good": trust().root, "unknown": trust().web}
    return client_context(issuers[who].issue(key=KEY) if who in issuers else None, version)


@cache
def contexts() -> tuple[ClientCertContext, ClientCertContext]:
    shown = trust().web.server("localhost", key=KEY)
    default = pair(shown.certificates, shown.key, "server.crt", "server.key")
    return gate(default=default), gate(default=default)


@given(
    st.sampled_from(["good", "unknown", "nobody"]),
    st.sampled_from(VERSIONS),
    st.sampled_from([[], ALL_AT_ONCE, [*ALL_AT_ONCE, *GOODBYE]]),
    SCRIPTS,
)
def test_the_same_script_has_the_same_outcome(
    who: str, version: ssl.TLSVersion, begin: list[Step], script: list[Step]
):
    ours, theirs = contexts()
    lines = [Line(Ours(ours), browser(who, version)), Line(Theirs(theirs), browser(who, version))]
    for number, (what, argument) in enumerate([*begin, *script]):
        mine, yours = (line.step(what, argument) for line in lines)
        assert mine == yours, (number, what)


KINDS = ("good", "with_intermediate", "expired", "self_signed")
CHANGES = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=4)


@settings(max_examples=60)
@given(st.sampled_from(KINDS), st.sampled_from(VERSIONS), CHANGES, st.sampled_from([1 << 20, 99]))
def test_a_certificate_that_was_changed_is_never_verified_and_hurts_nobody(
    kind: str, version: ssl.TLSVersion, changes: list[tuple[int, int]], size: int
):
    """Whatever OpenSSL makes of it, its error queue is empty, and the next read finds nothing."""
    leaf = client(kind).leaf.public_bytes(Encoding.DER)
    changed = bytearray(leaf)
    for at, value in changes:
        changed[at % len(leaf)] = value
    try:
        who = with_certificate(kind, bytes(changed), version)
    except ssl.SSLError:
        return  # not even the client takes it
    ends = open_ends(contexts()[0], who)
    try:
        shake_hands_in_pieces(ends, size)
    except (TLSError, ssl.SSLError):
        assert error_queue_is_empty()
        return
    identity = read_peer(ends.server)
    assert error_queue_is_empty()
    assert ends.server.read(10) is None
    if identity.judged and not identity.errors:
        assert kind in KINDS[:2]
        assert changed == leaf


def with_certificate(kind: str, der: bytes, version: ssl.TLSVersion) -> ssl.SSLContext:
    """Return a client with this certificate in place of its own."""
    who, context = client(kind), client_context(None, version)
    chain = [der, *(one.public_bytes(Encoding.DER) for one in who.certificates[1:])]
    key = who.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "client.pem")
        path.write_bytes("".join(map(ssl.DER_cert_to_PEM_cert, chain)).encode() + key)
        context.load_cert_chain(path)
    return context


def shake_hands_in_pieces(ends: Any, size: int) -> None:
    done = False
    for _ in range(4):
        with suppress(ssl.SSLWantReadError):
            ends.client.do_handshake()
        flight = ends.from_client.read()
        for at in range(0, len(flight), size):
            ends.server.feed(flight[at : at + size])
            done = ends.server.handshake()
            assert error_queue_is_empty()
        ends.back()
    assert done
