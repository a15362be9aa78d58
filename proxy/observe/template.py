"""Text with ``$variables``: for lines of the access log, header values, redirects and responses."""

from __future__ import annotations

import re
from difflib import get_close_matches
from html import escape
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Final

from proxy.errors import CertgateError
from proxy.observe.variables import VARIABLES, vouched_variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.observe.access_record import AccessRecord
    from proxy.observe.variables import Getter

# ``$name`` or ``${name}``; a lone dollar sign is an error, as it is for nginx.
_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+)|)")
# What a header line may hold and everybody reads alike: neither controls nor obs-text.
_UNPRINTABLE: Final = re.compile(rb"[^\x20-\x7e]")


class Template:
    """A text in which variables are replaced."""

    __slots__ = ("_getters", "_shape")

    def __init__(self, text: str, find: Callable[[str], Getter | None]) -> None:
        """Compile a text.

        Args:
            text: with ``$name`` or ``${name}``.
            find: looks variables up.

        Raises:
            CertgateError: a variable does not exist.
        """
        pieces: list[str] = []
        getters: list[Getter] = []
        end = 0
        for match in _VARIABLE.finditer(text):
            name = match[1] or match[2] or ""
            getter = find(name)
            if getter is None:
                raise CertgateError(_advice(name))
            pieces.append(text[end : match.start()])
            getters.append(getter)
            end = match.end()
        pieces.append(text[end:])
        self._getters = tuple(getters)
        self._shape = b"%b".join(piece.replace("%", "%%").encode() for piece in pieces)

    def render(self, record: AccessRecord, encode: Callable[[bytes | None], bytes]) -> bytes:
        """Return the text, each value as ``encode`` makes it; None stands for what is not there."""
        return self._shape % tuple([encode(getter(record)) for getter in self._getters])

    def values(self, record: AccessRecord) -> list[bytes | None]:
        """Return the values that stand in the text, in their order."""
        return [getter(record) for getter in self._getters]


def _advice(name: str) -> str:
    if not name:
        return "a $ begins the name of a variable: $host, or $${host} before letters"
    near = get_close_matches(name.lower(), VARIABLES, n=1, cutoff=0.75)
    if near:
        return f"no variable ${name}; did you mean ${near[0]}?"
    if name.startswith("http_"):
        return (
            f"${name} is not to be had: the field is one of the connection, or one under which"
            " somebody would forge an identity"
        )
    known = ", ".join(sorted((*VARIABLES, "arg_NAME", "cookie_NAME", "http_NAME")))
    return f"no variable ${name}; there are: {known}"


class HeaderTemplate:
    """A header value with ``$variables``, which no value can break."""

    __slots__ = ("_template",)

    def __init__(self, text: str) -> None:
        """Compile a value, which is printable ASCII.

        Raises:
            CertgateError: a variable does not exist.
        """
        self._template = Template(text, vouched_variable)

    def __call__(self, record: AccessRecord) -> bytes:
        """Return the value, without blanks at its ends; empty for no field."""
        return self._template.render(record, header_safe).strip(b" ")


def header_safe(value: bytes | None) -> bytes:
    """Return a value of which no octet can end a header line or be read in two ways.

    What is not printable ASCII becomes ``%XX``: whatever a certificate, a Host or a cookie holds.
    """
    return _UNPRINTABLE.sub(_escaped, value) if value else b""


def _escaped(match: re.Match[bytes]) -> bytes:
    return b"%%%02X" % match[0][0]


def _text_safe(value: bytes | None) -> bytes:
    return (value or b"").decode("utf-8", "backslashreplace").encode()


def _html_safe(value: bytes | None) -> bytes:
    return escape(_text_safe(value).decode()).encode()


def _json_safe(value: bytes | None) -> bytes:
    return encode_basestring_ascii(_text_safe(value).decode())[1:-1].encode()


def body_encoding(content_type: str) -> Callable[[bytes | None], bytes] | None:
    """Return how a variable is written in content of this type; None where it cannot be.

    A value is the client's own text: in HTML it must not become a script, in JSON no member.
    """
    return _BODY_ENCODINGS.get(content_type.partition(";")[0].strip().lower())


_BODY_ENCODINGS: Final = {
    "text/plain": _text_safe,
    "text/html": _html_safe,
    "application/json": _json_safe,
}
