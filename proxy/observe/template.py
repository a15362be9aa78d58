"""Text with ``$variables``: for lines of the access log, header values, redirects and responses."""

from __future__ import annotations

import re
from html import escape
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.observe.access_record import AccessRecord
    from proxy.observe.scope import Scope
    from proxy.observe.variables import Getter

# ``$name`` or ``${name}``; a lone dollar sign is an error, as it is for nginx.
_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+)|)")
# What a header line may hold and everybody reads alike: neither controls nor obs-text.
_UNPRINTABLE: Final = re.compile(rb"[^\x20-\x7e]")


class Template:
    """A text in which variables are replaced."""

    __slots__ = ("_getters", "_shape")

    def __init__(self, text: str, scope: Scope) -> None:
        """Compile a text.

        Args:
            text: with ``$name`` or ``${name}``.
            scope: says which variables there are.

        Raises:
            CertgateError: a variable does not exist, or not there.
        """
        pieces: list[str] = []
        getters: list[Getter] = []
        end = 0
        for match in _VARIABLE.finditer(text):
            pieces.append(text[end : match.start()])
            getters.append(scope.find(match[1] or match[2] or ""))
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


class HeaderTemplate:
    """A header value with ``$variables``, which no value can break."""

    __slots__ = ("_template",)

    def __init__(self, text: str, scope: Scope) -> None:
        """Compile a value, which is printable ASCII.

        Raises:
            CertgateError: a variable does not exist, or not there.
        """
        self._template = Template(text, scope)

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
