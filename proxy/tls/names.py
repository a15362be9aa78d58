"""Which server certificate a client gets: the name in its SNI extension (RFC 6066, section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from proxy.errors import CertgateError

if TYPE_CHECKING:
    from collections.abc import Mapping

_Value = TypeVar("_Value")


class ServerNames(Generic[_Value]):
    """Values by host name: exact names first, then ``*.`` which stands for exactly one label."""

    def __init__(self, values: Mapping[str, _Value]) -> None:
        """Take values by name; the names are as ``canonical_name`` returns them."""
        self._values = {name.encode("ascii"): value for name, value in values.items()}

    def __bool__(self) -> bool:
        return bool(self._values)

    def find(self, name: bytes | None) -> _Value | None:
        """Return the value of the name that a client sent, or None.

        Names are compared without regard to case and to one trailing dot. What a client sends is
        not checked further: a name that is none is simply not among ours.
        """
        if not name:
            return None
        wanted = name.lower().removesuffix(b".")
        found = self._values.get(wanted)
        if found is None:
            found = self._values.get(b"*." + wanted.partition(b".")[2])
        return found


def canonical_name(name: str) -> str:
    """Return a configured server name in lower case and without a trailing dot.

    Raises:
        CertgateError: it is no host name, or its wildcard is not the whole first label.
    """
    canonical = name.lower().removesuffix(".")
    labels = canonical.removeprefix("*.").split(".")
    if not all(map(_is_label, labels)):
        raise CertgateError(
            f"{name!r} is not a server name; write host.example.com or *.example.com,"
            " and names outside ASCII in their xn-- form"
        )
    return canonical


def _is_label(label: str) -> bool:
    plain = label.replace("-", "").replace("_", "")
    return plain.isascii() and plain.isalnum() and len(label) <= 63  # noqa: PLR2004 - RFC 1035
