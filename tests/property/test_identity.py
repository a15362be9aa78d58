"""Laws of names, errors and time, for whatever a client's certificate may say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from proxy.identity import der
from proxy.identity.der import UnreadableCertificateError
from proxy.identity.dn import join_rfc2253, parse_name, readable, rfc2253
from proxy.identity.peer import PeerIdentity, VerifyError
from proxy.identity.revocation import NO_REVOCATION_CHECK, build_revocation_view
from proxy.identity.verdict import judge
from tests.pki import START, client, trust
from tests.unit.identity.forge import BMP, CN, OU, T61, UTF8, Attribute, O, name, tlv

if TYPE_CHECKING:
    import random

Rdns = list[list[Attribute]]
NOW = START.timestamp()
ROOT = trust().root
LEAF = client("good").leaf
CHAIN = (LEAF, ROOT.certificate)
VIEW = build_revocation_view([ROOT.crl()], [ROOT.certificate])

errors = st.builds(
    VerifyError,
    number=st.one_of(st.sampled_from([2, 3, 7, 9, 10, 18, 20, 22, 23, 26, 66]), st.integers(1, 99)),
    depth=st.integers(0, 4),
    text=st.sampled_from(["x", "y"]),
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
awkward = st.text(st.sampled_from(' #,+"\\<>;=\r\n\0ü€'), max_size=6)
values = st.one_of(texts, awkward)
attributes = st.tuples(
    st.sampled_from([CN, O, OU, "2.5.4.5", "1.2.3.4"]), st.just(UTF8), values.map(str.encode)
)
names = st.lists(st.lists(attributes, min_size=1, max_size=3), max_size=4)
times = st.floats(0, 4e9)


def peer(*found: VerifyError) -> PeerIdentity:
    return PeerIdentity(LEAF, CHAIN, found, judged=True)


@given(st.lists(errors, min_size=1), times)
def test_whoever_has_an_error_is_refused_at_any_time(found: list[VerifyError], now: float):
    assert judge(peer(*found), now, NO_REVOCATION_CHECK).code is not None


@given(st.lists(errors, max_size=6), errors, times)
def test_one_more_error_never_admits(found: list[VerifyError], more: VerifyError, now: float):
    before = judge(peer(*found), now, VIEW)
    after = judge(peer(*found, more), now, VIEW)
    assert after.code is not None
    assert before.code is None or after.code is not None


@given(st.lists(errors, min_size=2, max_size=6), st.randoms())
def test_the_order_of_errors_does_not_matter(found: list[VerifyError], shuffle: random.Random):
    shuffled = found[:]
    shuffle.shuffle(shuffled)
    assert judge(peer(*found), NOW, VIEW) == judge(peer(*shuffled), NOW, VIEW)


@given(times, times)
def test_a_verdict_that_stands_is_the_one_that_would_be_made(first: float, second: float):
    """So it may be kept: forwards and backwards in time."""
    kept = judge(peer(), first, VIEW)
    assert kept.stands(first)
    if kept.stands(second):
        assert judge(peer(), second, VIEW) == kept


@given(times)
def test_nobody_is_admitted_outside_the_validity_of_any_certificate(now: float):
    valid = all(
        item.not_valid_before_utc.timestamp() <= now < item.not_valid_after_utc.timestamp()
        for item in CHAIN
    )
    assert (judge(peer(), now, NO_REVOCATION_CHECK).code is None) == valid


@given(names)
def test_the_text_of_a_name_is_one_line_of_printable_ascii(rdns: Rdns):
    text = join_rfc2253(parse_name(name(*rdns)))
    assert text.isascii()
    assert not text or text.isprintable()


@given(names, names)
def test_different_names_have_different_texts(first: Rdns, second: Rdns):
    """Nobody is taken for somebody else; only the order of attributes' bytes decides."""
    texts = [join_rfc2253(parse_name(name(*rdns))) for rdns in (first, second)]
    assert (texts[0] == texts[1]) == (first == second)


@given(st.text(st.characters(max_codepoint=0xFF), max_size=8))
def test_string_types_that_hold_the_same_text_print_the_same(text: str):
    printed = {
        join_rfc2253(parse_name(name([(CN, tag, text.encode(encoding))])))
        for tag, encoding in ((UTF8, "utf-8"), (T61, "latin-1"), (BMP, "utf-16-be"))
    }
    assert len(printed) == 1


@given(st.lists(st.tuples(st.sampled_from([NameOID.COMMON_NAME, NameOID.USER_ID]), values)))
def test_cryptography_reads_the_same_values(pairs: list[tuple[x509.ObjectIdentifier, str]]):
    usable = [(oid, text) for oid, text in pairs if 0 < len(text.encode()) <= 64]
    subject = x509.Name([x509.NameAttribute(oid, text) for oid, text in usable])
    assert [item.value for item in parse_name(subject.public_bytes())] == [t for _, t in usable]
    assert rfc2253(subject) == join_rfc2253(parse_name(subject.public_bytes()))


@given(names)
def test_the_readable_form_is_one_line(rdns: Rdns):
    assert readable(parse_name(name(*rdns))).isprintable()


@given(st.binary(max_size=40))
def test_bytes_are_a_name_or_an_error(data: bytes):
    try:
        text = join_rfc2253(parse_name(data))
    except UnreadableCertificateError:
        return
    assert not text or text.isprintable()


@given(names, st.data())
def test_one_changed_byte_makes_another_name_or_an_error(rdns: Rdns, data: st.DataObject):
    encoded = bytearray(name(*rdns))
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= data.draw(st.integers(1, 255))
    try:
        parse_name(bytes(encoded))
    except UnreadableCertificateError:
        return


@given(st.lists(st.tuples(st.integers(0, 30), st.binary(max_size=300)), max_size=5))
def test_what_is_encoded_is_read_back(items: list[tuple[int, bytes]]):
    data = b"".join(tlv(tag, content) for tag, content in items)
    assert [
        (tag, data[start:end]) for tag, start, end in der.read_children(data, 0, len(data))
    ] == items
