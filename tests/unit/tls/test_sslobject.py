"""The object that asyncio and uvloop drive, rule by rule; the client is the standard library's."""

import gc
import logging
import ssl
import weakref

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from proxy.tls import sslobject
from proxy.tls.context import ClientCertContext
from proxy.tls.sslobject import ClientCertObject
from tests.pki import ADMITTED, REFUSED, client
from tests.unit.tls.memory import (
    BOTH_VERSIONS,
    TLS_1_2,
    TLS_1_3,
    client_context,
    gate,
    server_certificate,
)


class Pair:
    """A standard client and our server object, with the four BIOs between them."""

    def __init__(self, context: ClientCertContext, browser: ssl.SSLContext) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.to_client, self.from_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.server = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.client = browser.wrap_bio(
            self.to_client, self.from_client, server_hostname="localhost"
        )

    def carry(self) -> None:
        """Carry everything over the wire, in both directions."""
        self.incoming.write(self.from_client.read())
        self.to_client.write(self.outgoing.read())

    def handshake(self, last_words: bytes = b"") -> None:
        """Run the handshake; ``last_words`` travel together with the client's Finished."""
        waiting = [self.client.do_handshake, self.server.do_handshake]
        while waiting:
            for one in list(waiting):
                try:
                    one()
                except ssl.SSLWantReadError:
                    pass
                else:
                    waiting.remove(one)
                    if last_words and one == self.client.do_handshake:
                        self.client.write(last_words)
                self.carry()


def pair(kind: str | None = "good", version: ssl.TLSVersion = TLS_1_3, **changes: object) -> Pair:
    """Return both ends before their handshake."""
    return Pair(gate(**changes), client_context(client(kind) if kind else None, version))


def joined(kind: str | None = "good", version: ssl.TLSVersion = TLS_1_3) -> Pair:
    """Return both ends after their handshake."""
    ends = pair(kind, version)
    ends.handshake()
    return ends


@pytest.mark.parametrize("last_words", [b"", b"GET / HTTP/1.1\r\n\r\n"])
@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_rule_1_pending_stays_above_0_until_a_read_found_nothing(
    version: ssl.TLSVersion, last_words: bytes
):
    """uvloop reads only while it does; a request that came with Finished would wait for good."""
    ends = pair(None, version)
    ends.handshake(last_words)
    assert ends.incoming.pending == 0 or last_words
    got = b""
    while ends.server.pending():
        try:
            got += ends.server.read(4)
        except ssl.SSLWantReadError:
            break
    assert got == last_words
    assert ends.server.pending() == 0


def test_rule_1_pending_counts_what_is_already_decrypted():
    ends = joined()
    ends.client.write(b"hello")
    ends.carry()
    assert ends.server.read(1) == b"h"
    assert ends.server.pending() == 4


def test_rule_2_both_forms_of_read_work():
    ends = joined()
    ends.client.write(b"hello, world")
    ends.carry()
    assert ends.server.read(5) == b"hello"
    buffer = bytearray(100)
    assert ends.server.read(100, buffer) == 7
    assert buffer[:7] == b", world"
    ends.client.write(b"again")
    ends.carry()
    assert ends.server.read(2, memoryview(buffer)) == 2
    assert ends.server.read(0, memoryview(buffer)) == 3
    assert buffer[:3] == b"ain"
    assert ends.server.read(0) == b""
    with pytest.raises(ssl.SSLWantReadError):
        ends.server.read(100, buffer)


@pytest.mark.parametrize("size", [-1, 0, 10])
def test_rule_2_a_read_into_no_room_takes_nothing(size: int):
    ends = joined()
    ends.client.write(b"hello")
    ends.carry()
    assert ends.server.read(size, bytearray()) == 0
    assert ends.server.read(0) == b""
    assert ends.server.pending()
    assert ends.server.read(100) == b"hello"
    assert ends.server.read(size, bytearray()) == 0


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_rule_3_a_cut_connection_is_an_error_and_not_the_end(version: ssl.TLSVersion):
    ends = joined("good", version)
    ends.client.write(b"half a body")
    ends.carry()
    ends.incoming.write_eof()
    assert ends.server.read(100) == b"half a body"
    with pytest.raises(ssl.SSLEOFError):
        ends.server.read(100)
    with pytest.raises(ssl.SSLError):
        ends.server.read(100)


@pytest.mark.parametrize(*BOTH_VERSIONS)
@pytest.mark.parametrize("buffer", [None, bytearray(10)])
def test_rule_3_a_close_notify_is_the_end(version: ssl.TLSVersion, buffer: bytearray | None):
    ends = joined("good", version)
    with pytest.raises(ssl.SSLWantReadError):
        ends.client.unwrap()
    ends.carry()
    ends.incoming.write_eof()
    assert ends.server.read(10, buffer) == (b"" if buffer is None else 0)
    assert ends.server.pending() == 0


def test_rule_3_a_cut_handshake_is_an_error():
    ends = pair()
    ends.incoming.write_eof()
    with pytest.raises(ssl.SSLEOFError):
        ends.server.do_handshake()


def test_rule_4_the_alert_of_a_failed_handshake_leaves():
    ends = pair(version=TLS_1_2, min_version="1.3")
    with pytest.raises(ssl.SSLWantReadError):
        ends.client.do_handshake()
    ends.carry()
    with pytest.raises(ssl.SSLError):
        ends.server.do_handshake()
    ends.carry()
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
        ends.client.do_handshake()


def test_rule_4_the_answer_to_a_close_notify_leaves():
    ends = joined()
    with pytest.raises(ssl.SSLWantReadError):
        ends.client.unwrap()
    ends.carry()
    assert ends.server.read(1) == b""
    ends.server.unwrap()
    assert ends.outgoing.pending


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_rule_5_write_takes_each_kind_of_buffer_and_counts(wrap: type):
    ends = joined()
    assert ends.server.write(wrap(b"hello")) == 5
    assert ends.server.write(wrap(b"")) == 0
    ends.carry()
    assert ends.client.read(100) == b"hello"


def test_rule_5_a_large_write_arrives_whole_however_often_it_is_cut():
    ends = joined()
    data = memoryview(bytes(range(256)) * 1000)
    sent, got = 0, bytearray()
    while len(got) < len(data):
        sent += ends.server.write(data[sent:])
        ends.carry()
        got += ends.client.read(1 << 20)
    assert got == data


def test_rule_5_a_write_beyond_what_openssl_can_count_is_taken_in_part(
    monkeypatch: pytest.MonkeyPatch,
):
    """More than 31 bits was an OverflowError."""
    assert sslobject._LARGEST_WRITE < 2**31
    monkeypatch.setattr(sslobject, "_LARGEST_WRITE", 1000)
    ends = joined()
    assert ends.server.write(bytes(2500)) == 1000
    ends.carry()
    assert ends.client.read(5000) == bytes(1000)


@pytest.mark.parametrize(*BOTH_VERSIONS)
@pytest.mark.parametrize("kind", ADMITTED)
def test_rule_8_a_verified_certificate_is_shown_as_the_standard_library_does(
    kind: str, version: ssl.TLSVersion
):
    ends = joined(kind, version)
    assert ends.server.getpeercert()["serialNumber"]
    assert ends.server.getpeercert(binary_form=True) == client(kind).leaf.public_bytes(Encoding.DER)


@pytest.mark.parametrize("kind", sorted(REFUSED.keys() - {"revoked"}))
def test_rule_8_nothing_is_shown_unless_verified(kind: str):
    ends = joined(None if kind == "none" else kind)
    assert ends.server.getpeercert() == {}
    assert ends.server.getpeercert(binary_form=True) is None


def test_rule_8_our_own_question_has_another_name():
    identity = joined("expired").server.peer_identity()
    assert identity.leaf == client("expired").leaf
    assert [error.number for error in identity.errors] == [10]


def test_rule_8_a_certificate_that_cannot_be_shown_shows_nothing(monkeypatch: pytest.MonkeyPatch):
    def fail(_certificate: object) -> dict[str, object]:
        raise ValueError("unreadable extension")

    monkeypatch.setattr("proxy.tls.sslobject.certificate_dict", fail)
    assert joined().server.getpeercert() == {}


def test_rule_8_the_chain_of_python_3_13_is_shown_only_if_verified():
    verified = joined("with_intermediate").server
    assert [x509.load_der_x509_certificate(one) for one in verified.get_verified_chain()] == list(
        verified.peer_identity().chain
    )
    assert joined("expired").server.get_verified_chain() == []
    with pytest.raises(NotImplementedError):
        verified.get_unverified_chain()


def test_before_the_handshake_there_is_nothing_to_tell():
    server = pair().server
    assert server.version() is None
    assert server.cipher() is None
    assert server.selected_alpn_protocol() is None
    with pytest.raises(ValueError, match="handshake not done yet"):
        server.getpeercert()
    with pytest.raises(ValueError, match="handshake not done yet"):
        server.peer_identity()


@pytest.mark.parametrize(("version", "name"), [(TLS_1_2, "TLSv1.2"), (TLS_1_3, "TLSv1.3")])
def test_after_the_handshake_both_ends_agree(version: ssl.TLSVersion, name: str):
    ends = joined("good", version)
    assert ends.server.version() == ends.client.version() == name
    assert ends.server.cipher() == ends.client.cipher()


def test_alpn_is_told():
    browser = client_context()
    browser.set_alpn_protocols(["http/1.1"])
    ends = Pair(gate(), browser)
    ends.handshake()
    assert ends.server.selected_alpn_protocol() == "http/1.1"


def test_the_rest_of_the_surface_is_there():
    ends = joined()
    assert isinstance(ends.server, ssl.SSLObject)
    assert isinstance(ends.server.context, ClientCertContext)
    assert ends.server.server_side is True
    assert ends.server.session_reused is False
    for nothing in (
        ends.server.server_hostname,
        ends.server.session,
        ends.server.compression(),
        ends.server.shared_ciphers(),
        ends.server.selected_npn_protocol(),
    ):
        assert nothing is None
    with pytest.raises(ValueError, match="not supported"):
        ends.server.get_channel_binding()
    with pytest.raises(NotImplementedError):
        ends.server.verify_client_post_handshake()
    for name in ("context", "session"):
        with pytest.raises(AttributeError):
            setattr(ends.server, name, None)


def test_nothing_of_the_standard_object_is_left_to_the_standard_library():
    inherited = {name for name in vars(ssl.SSLObject) if not name.startswith("_")}
    assert inherited - vars(ClientCertObject).keys() == set()


def test_unwrap_sends_close_notify_and_waits_for_the_client_s():
    ends = joined()
    with pytest.raises(ssl.SSLWantReadError):
        ends.server.unwrap()
    with pytest.raises(ssl.SSLWantReadError):
        ends.server.unwrap()
    ends.carry()
    assert ends.client.read(10) == b""
    ends.client.unwrap()
    ends.carry()
    ends.server.unwrap()


def test_unwrap_answers_a_client_that_closed_first():
    ends = joined()
    with pytest.raises(ssl.SSLWantReadError):
        ends.client.unwrap()
    ends.carry()
    ends.server.unwrap()
    ends.carry()
    ends.client.unwrap()


def test_unwrap_of_a_cut_connection_is_an_error():
    ends = joined()
    ends.incoming.write_eof()
    with pytest.raises(ssl.SSLError):
        ends.server.unwrap()


def test_writing_after_the_end_is_an_error():
    ends = joined()
    with pytest.raises(ssl.SSLWantReadError):
        ends.server.unwrap()
    with pytest.raises(ssl.SSLError):
        ends.server.write(b"too late")


def test_garbage_on_an_open_connection_is_an_error_of_the_standard_library():
    ends = joined()
    ends.incoming.write(b"\x17\x03\x03\x00\x20" + b"\0" * 32)
    with pytest.raises(ssl.SSLError) as caught:
        ends.server.read(10)
    assert caught.value.args[0] == ssl.SSL_ERROR_SSL
    assert ends.outgoing.pending, "the alert"


def test_rule_11_a_failed_handshake_is_counted_and_logged(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "proxy.tls")
    context = gate()
    server = context.wrap_bio(incoming := ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    incoming.write(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(ssl.SSLError, match="http request"):
        server.do_handshake()
    assert context.handshake_failures == {"http request": 1}
    assert caplog.messages == ["TLS handshake failed: http request"]


def test_rule_11_a_refusal_by_alert_names_the_error_of_the_certificate(
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.INFO, "proxy.tls")
    ends = pair("expired", verify_mode=ssl.CERT_REQUIRED)
    with pytest.raises(ssl.SSLError):
        ends.handshake()
    assert ends.server.context.handshake_failures == {"certificate verify failed": 1}
    assert "(10 at depth 0: certificate has expired)" in caplog.messages[0]


def test_a_wait_is_no_failure():
    ends = joined()
    assert not ends.server.context.handshake_failures


def test_an_object_goes_without_the_cycle_collector():
    context, browser = gate(), client_context(client("good"))
    gc.disable()
    try:
        ends = Pair(context, browser)
        ends.handshake()
        ends.server.getpeercert()
        watched = weakref.ref(ends.server)
        del ends
        assert watched() is None
    finally:
        gc.enable()


def test_a_context_out_of_use_goes_with_its_last_connection():
    ends = joined()
    watched = weakref.ref(ends.server.context)
    del ends
    gc.collect()
    assert watched() is None


def test_a_context_with_server_names_goes_as_well():
    context = gate(by_name={"other.example": server_certificate("other.example")})
    compiled = weakref.ref(context.freeze().context)
    del context
    gc.collect()
    assert compiled() is None
