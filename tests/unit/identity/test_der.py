"""Only DER is read: everything that has a second reading is an error."""

from __future__ import annotations

import pytest

from proxy.identity import der
from proxy.identity.der import UnreadableCertificateError
from tests.unit.identity.forge import oid, tlv


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65_535, 65_536])
def test_children_are_found_whatever_form_their_length_has(size: int):
    data = tlv(0x04, b"x" * size) + tlv(0x02, b"\5")
    first, second = der.read_children(data, 0, len(data))
    assert data[first[1] : first[2]] == b"x" * size
    assert (second[0], data[second[1] : second[2]]) == (0x02, b"\5")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x04", id="no length"),
        pytest.param(b"\x04\x02a", id="truncated content"),
        pytest.param(b"\x04\x80a\0\0", id="indefinite length"),
        pytest.param(b"\x04\x81\x01a", id="long form of a short length"),
        pytest.param(b"\x04\x82\x00\x80" + b"a" * 0x80, id="leading zero in the length"),
        pytest.param(b"\x04\x82\x01", id="truncated length"),
        pytest.param(b"\x04\x80" + b"a" * 0x80, id="indefinite length, taken for 128"),
        pytest.param(b"\x04\xfe" + b"\1" * 0x7E, id="126 length octets"),
        pytest.param(b"\x1f\x01\x00", id="tag number above 30"),
        pytest.param(b"\x04\x00\x04", id="a byte left over"),
    ],
)
def test_what_is_not_der_is_an_error(data: bytes):
    with pytest.raises(UnreadableCertificateError):
        der.read_children(data, 0, len(data))


def test_a_child_may_not_reach_beyond_what_holds_it():
    data = tlv(0x30, tlv(0x04, b"abc")) + b"more"
    with pytest.raises(UnreadableCertificateError):
        der.read_children(data, 0, 4)


def test_read_only_wants_exactly_one_element_of_the_tag():
    one = tlv(0x30, b"")
    assert der.read_only(one, 0, 2, 0x30) == (2, 2)
    for data in (b"", one + one, tlv(0x31, b"")):
        with pytest.raises(UnreadableCertificateError):
            der.read_only(data, 0, len(data), 0x30)


@pytest.mark.parametrize(
    "text", ["0.0", "0.39", "1.0", "1.39", "2.0", "2.5.4.3", "2.999.1", "2.5.4294967296"]
)
def test_object_identifiers_are_dotted(text: str):
    assert der.dotted(oid(text)[2:]) == text


@pytest.mark.parametrize(
    "content", [b"", b"\x2a" * 65, b"\x80\x01", b"\x55\x80\x01", b"\x55\x84", b"\x84"]
)
def test_a_damaged_object_identifier_is_an_error(content: bytes):
    with pytest.raises(UnreadableCertificateError):
        der.dotted(content)
