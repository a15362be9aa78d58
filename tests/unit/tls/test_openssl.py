"""What is taken from OpenSSL directly does what pyOpenSSL's own would."""

import re
from pathlib import Path
from types import ModuleType

import OpenSSL
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto

import proxy.tls
from proxy.tls.openssl import (
    FFI,
    clear_error_queue,
    encoded,
    error_queue_is_empty,
    pop_errors,
    text_of,
    verify_error_text,
)
from tests.pki import client


def test_what_was_left_in_the_error_queue_is_cleared():
    with pytest.raises(SSL.Error):
        SSL.Context(SSL.TLS_SERVER_METHOD).check_privatekey()
    leave_an_error()
    assert not error_queue_is_empty()
    clear_error_queue()
    assert error_queue_is_empty()


def test_errors_are_taken_out_with_library_and_reason():
    leave_an_error()
    (entry,) = pop_errors()
    assert entry == ("SSL routines", "no certificate assigned")
    assert error_queue_is_empty()


def leave_an_error() -> None:
    """Fail inside OpenSSL without fetching the error."""
    crypto._lib.SSL_CTX_check_private_key(SSL.Context(SSL.TLS_SERVER_METHOD)._context)


def test_numbers_have_openssl_s_words():
    assert verify_error_text(10) == "certificate has expired"
    assert verify_error_text(9999)


def test_no_words_are_an_empty_text():
    assert text_of(FFI.NULL) == ""


def test_a_certificate_is_written_as_it_came():
    leaf = client("good").leaf
    assert encoded(crypto.X509.from_cryptography(leaf)._x509) == leaf.public_bytes(Encoding.DER)


def test_a_certificate_that_cannot_be_written_is_an_error_and_leaves_none_behind():
    with pytest.raises(ValueError, match="cannot write"):
        encoded(crypto.X509()._x509)
    assert error_queue_is_empty()


def words(package: ModuleType, pattern: str) -> set[str]:
    """Return what a pattern finds in the sources of a package."""
    sources = Path(str(package.__file__)).parent.glob("*.py")
    return {word for source in sources for word in re.findall(pattern, source.read_text())}


def test_no_function_is_called_that_pyopenssl_does_not_call():
    """The binding is no public interface: what pyOpenSSL needs is what stays in it."""
    called = words(proxy.tls, r"LIB\.(\w+)")
    assert "SSL_do_handshake" in called
    assert called - words(OpenSSL, r"lib\.(\w+)") == set()
