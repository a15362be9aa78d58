"""What the names and values of header rules have to obey.

An operator's rule must not open a hole that only a reader of RFCs would see: framing, the fields of
one connection, and the fields by which the app knows the client are refused by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.config.units import quoted
from proxy.errors import CertgateError
from proxy.forward.header_rules import is_request_field, is_response_field
from proxy.forward.identity_headers import is_identity_name
from proxy.http1.grammar import is_token, is_valid_host
from proxy.http1.messages import CONNECTION_FIELDS
from proxy.observe.scope import REQUEST, RESPONSE
from proxy.observe.template import Template

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from proxy.observe.scope import Scope


def check_set_request_name(text: str) -> str:
    """As ``check_request_name``, and Host is a name."""
    return text if text.lower() == "host" else check_request_name(text)


def check_request_name(text: str) -> str:
    """Refuse a field that only certgate may send to an app."""
    name = _token(text)
    if name.lower() == b"host":
        raise ValueError("a request has one Host: it can only be set")
    if is_identity_name(name.lower()):
        raise ValueError(
            f"{quoted(text)} tells an app who the client is, and only certgate may say so;"
            " see identity_headers, or choose another name"
        )
    if name.lower() in CONNECTION_FIELDS:
        raise ValueError(_of_connection(text))
    if not is_request_field(name):
        raise ValueError(f"{quoted(text)} is set by certgate alone: the app relies on it")
    return text


def check_response_name(text: str) -> str:
    """Refuse a field that says where a response ends, or belongs to the connection."""
    if not is_response_field(_token(text)):
        raise ValueError(_of_connection(text))
    return text


def check_request_value(text: str) -> str:
    """Refuse a value that could not stand in a header line, or that nobody knows so early."""
    return _check_value(text, REQUEST)


def check_response_value(text: str) -> str:
    """As ``check_request_value``; what the app has answered is known by then."""
    return _check_value(text, RESPONSE)


def _check_value(text: str, scope: Scope) -> str:
    if not text:
        raise ValueError("is empty; name the field under remove instead")
    if not text.isascii() or not text.isprintable():
        raise ValueError(f"{quoted(text)}: a header is made of printable ASCII characters")
    try:
        Template(text, scope)
    except CertgateError as error:
        raise ValueError(str(error)) from None
    return text


def check_host(values: Mapping[str, str]) -> None:
    """Refuse a Host that is no host, or that could be the client's choice."""
    for name, value in values.items():
        if name.lower() == "host" and not is_valid_host(value.encode()):
            raise ValueError(f"{quoted(value)} is not a host; write a name, and a port if need be")


def refuse_repetition(names: Iterable[str]) -> None:
    """Refuse a field that is named twice, in whatever spelling."""
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            raise ValueError(f"{quoted(name)} is named twice")
        seen.add(name.lower())


def _token(text: str) -> bytes:
    if not text.isascii() or not is_token(text.encode()):
        raise ValueError(f"{quoted(text)} is not the name of a header field")
    return text.encode()


def _of_connection(text: str) -> str:
    return f"{quoted(text)} belongs to the connection: certgate writes it as it is needed"
