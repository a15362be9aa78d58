"""PEM text is cut into blocks, and no block is passed over."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import CertgateError
from proxy.tls.pem import is_pem, scan

BLOCK = b"-----BEGIN X-----\nAAAA\n-----END X-----\n"


def labels(data: bytes) -> list[tuple[str, int]]:
    return [(block.label, block.line) for block in scan(data, "file")]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (BLOCK, [("X", 1)]),
        (BLOCK.rstrip(), [("X", 1)]),
        (BLOCK * 2, [("X", 1), ("X", 4)]),
        (b"Certificate:\n  Data:\n" + BLOCK + b"subject=CN = a\n" + BLOCK, [("X", 3), ("X", 7)]),
        (BLOCK.replace(b"\n", b"\r\n"), [("X", 1)]),
        (b"\xef\xbb\xbf" + BLOCK, [("X", 1)]),
        (b"    " + BLOCK.replace(b"\n", b"\n    "), [("X", 1)]),
        (b"", []),
        (b"nothing of the kind", []),
    ],
)
def test_blocks_are_found_whatever_stands_around_them(data: bytes, found: list[tuple[str, int]]):
    assert labels(data) == found


def test_a_block_s_text_is_clean():
    (block,) = scan(b"  " + BLOCK.replace(b"\n", b" \r\n\t"), "file")
    assert block.text == BLOCK


@pytest.mark.parametrize(
    "damaged",
    [
        BLOCK.replace(b"-----BEGIN", b"----BEGIN"),
        BLOCK.replace(b"X-----\nA", b"X----\nA"),
        b"x" + BLOCK,
        b"-----BEGIN \n",
        b"-----END-----\n",
        BLOCK + BLOCK.removeprefix(b"-----BEGIN X-----\n"),
        BLOCK.replace(b"END X", b"END Y"),
        BLOCK.replace(b"-----END", b"---END"),
        b"-----BEGIN X-----\nAAAA\n" + BLOCK,
        b"-----BEGIN X-----\nAAAA\n",
        BLOCK + b"-----BEGIN X-----",
        b"-----BEGIN X----------BEGIN X-----\n-----END X----------BEGIN X-----",
    ],
)
def test_a_damaged_boundary_is_an_error_and_no_block_the_less(damaged: bytes):
    with pytest.raises(CertgateError, match=r"^file: "):
        labels(damaged)


def test_the_error_names_the_line():
    with pytest.raises(CertgateError, match=r"^file: line 4 is a damaged"):
        labels(BLOCK + b"----BEGIN X-----\n")


@given(
    st.lists(
        st.sampled_from(
            [b"-----BEGIN X-----", b"-----END X-----", b"-----BEGIN ", b"\n", b"\r", b"A", b"-"]
        )
    ).map(b"".join)
    | st.binary()
)
def test_any_bytes_are_blocks_or_an_error(data: bytes):
    with suppress(CertgateError):
        assert len(labels(data)) == data.count(b"-----BEGIN ")


@pytest.mark.parametrize(
    ("data", "pem"), [(b"\x30\x82", False), (BLOCK, True), (b"0\n" + BLOCK, True), (b"x", True)]
)
def test_der_is_told_from_pem(data: bytes, pem: bool):
    assert is_pem(data) is pem
