"""A rehearsal beside the real thing: whatever a client presents, OpenSSL says the same in both."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from OpenSSL import SSL, crypto

from proxy.tls.failure import TLSError
from proxy.tls.openssl import error_queue_is_empty
from proxy.tls.peer import read_peer
from tests.pki import ADMITTED, REFUSED, Identity, client, trust
from tests.unit.tls.memory import gate
from tests.unit.tls.test_validation import constrained

if TYPE_CHECKING:
    from proxy.identity.peer import PeerIdentity
    from proxy.tls.context import ClientCertContext

KINDS = [*ADMITTED, *(kind for kind in REFUSED if kind != "none")]
CONSTRAINED = [
    constrained(address, unreadable=unreadable)
    for address in ("alice@example.com", "alice@evil.example")
    for unreadable in (False, True)
]
SETTINGS: tuple[dict[str, object], ...] = (
    {},
    {"intermediates": [trust().sub.certificate]},
    {"verify_depth": 0},
)
PAIRS = [(gate(**one), gate(**one, crls=[trust().root.crl()], crl_check="off")) for one in SETTINGS]


def peer_of(context: ClientCertContext, who: Identity) -> PeerIdentity | str:
    """Return what a gate learns about a client, or why TLS itself refuses the certificate."""
    sender = SSL.Context(SSL.TLS_CLIENT_METHOD)
    sender.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
    sender.use_certificate(who.leaf)
    sender.use_privatekey(who.key)
    for other in who.certificates[1:]:
        sender.add_extra_chain_cert(other)
    ours, server = SSL.Connection(sender), context.new_connection()
    ours.set_connect_state()
    for _ in range(2):
        with suppress(SSL.WantReadError):
            ours.do_handshake()
        server.feed(ours.bio_read(1 << 20))
        try:
            done = server.handshake()
        except TLSError as error:
            return error.reason
        ours.bio_write(server.drain(1 << 20))
    assert done  # two flights of the client's are the whole handshake
    return read_peer(server)


@st.composite
def presented(draw: st.DrawFn) -> Identity:
    """Draw somebody's certificate, perhaps with a changed byte, and what else is sent with it."""
    who = draw(st.sampled_from(KINDS).map(client) | st.sampled_from(CONSTRAINED))
    others = draw(st.lists(st.sampled_from(KINDS), max_size=3))
    chain = [*who.certificates[1:], *(client(kind).leaf for kind in others)]
    who = who.sending(*draw(st.permutations(chain)))
    if draw(st.booleans()):
        der = bytearray(who.leaf.public_bytes(Encoding.DER))
        der[draw(st.integers(0, len(der) - 1))] ^= 1 << draw(st.integers(0, 7))
        try:
            changed = x509.load_der_x509_certificate(bytes(der))
            changed.public_key()
        except Exception:  # noqa: BLE001 - it has no one type for what it cannot read
            reject()
        who = replace(who, certificates=(changed, *who.certificates[1:]))
    return who


@settings(max_examples=400)
@given(who=presented(), pair=st.sampled_from(PAIRS))
def test_path_validation_says_the_same_after_the_handshake(
    who: Identity, pair: tuple[ClientCertContext, ClientCertContext]
):
    after, within = pair
    try:
        expected = peer_of(within, who)
    except (SSL.Error, crypto.Error):
        reject()  # the client's library does not take its own certificate
    for _ in range(2):  # the second time it may be remembered
        found = peer_of(after, who)
        if expected == "certificate verify failed" and not isinstance(found, str):
            # The handshake is over when OpenSSL gives up without asking: then it is a refusal.
            assert not found.judged
            assert found.errors
        else:
            assert found == expected
    assert error_queue_is_empty()
