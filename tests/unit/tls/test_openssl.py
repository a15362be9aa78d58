"""The two borrowed functions do what pyOpenSSL's own would."""

import pytest
from OpenSSL import SSL, crypto

from proxy.tls.openssl import clear_error_queue, error_queue_is_empty, verify_error_text


def test_what_was_left_in_the_error_queue_is_cleared():
    with pytest.raises(SSL.Error):
        SSL.Context(SSL.TLS_SERVER_METHOD).check_privatekey()
    leave_an_error()
    assert not error_queue_is_empty()
    clear_error_queue()
    assert error_queue_is_empty()


def leave_an_error() -> None:
    """Fail inside OpenSSL without fetching the error."""
    crypto._lib.SSL_CTX_check_private_key(SSL.Context(SSL.TLS_SERVER_METHOD)._context)


def test_numbers_have_openssl_s_words():
    assert verify_error_text(10) == "certificate has expired"
    assert verify_error_text(9999)
