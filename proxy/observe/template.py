"""Text with ``$variables``: for lines of the access log, header values, redirects and responses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from proxy.errors import CertgateError
from proxy.observe.variables import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.observe.access_record import AccessRecord
    from proxy.observe.variables import Getter

# ``$name`` or ``${name}``; a lone dollar sign is an error, as it is for nginx.
_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+)|)")
# What a header line may hold and everybody reads alike: neither controls nor obs-text.
_UNPRINTABLE: Final = re.compile(rb"[^\x20-\x7e]")


class Template:
    """A text in which variables are replaced.

    Attributes:
        literal: the text in front of the first variable.
        names: of the variables, in their order.
    """

    __slots__ = ("_getters", "_shape", "literal", "names")

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
        names: list[str] = []
        end = 0
        for match in _VARIABLE.finditer(text):
            name = match[1] or match[2] or ""
            getter = find(name)
            if getter is None:
                known = ", ".join(sorted(VARIABLES))
                raise CertgateError(f"no variable ${name}; there are: {known}")
            pieces.append(text[end : match.start()])
            names.append(name)
            getters.append(getter)
            end = match.end()
        pieces.append(text[end:])
        self.literal = pieces[0]
        self.names = tuple(names)
        self._getters = tuple(getters)
        self._shape = b"%b".join(piece.replace("%", "%%").encode() for piece in pieces)

    def render(self, record: AccessRecord, encode: Callable[[bytes | None], bytes]) -> bytes:
        """Return the text, each value as ``encode`` makes it; None stands for what is not there."""
        return self._shape % tuple([encode(getter(record)) for getter in self._getters])


def header_safe(value: bytes | None) -> bytes:
    """Return a value of which no octet can end a header line or be read in two ways.

    What is not printable ASCII becomes ``%XX``: whatever a certificate, a Host or a cookie holds.
    """
    return _UNPRINTABLE.sub(_escaped, value) if value else b""


def _escaped(match: re.Match[bytes]) -> bytes:
    return b"%%%02X" % match[0][0]
