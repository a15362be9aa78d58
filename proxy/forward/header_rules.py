"""Fields that the operator wants set, added or removed.

Such a rule never touches what belongs to the gate: framing, hop-by-hop fields, and toward the app
the fields that say who the client is and where it came from. A rule that could would be a way
around the gate that nobody sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from proxy.forward.names import MISTAKEN, fold, is_client_field
from proxy.http1.grammar import is_token
from proxy.http1.messages import CONNECTION_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from proxy.http1.messages import Field

ContextT = TypeVar("ContextT")

# Date is added where it is missing (RFC 9110, section 6.6.1), so it cannot be taken away.
_OF_RESPONSES: Final = CONNECTION_FIELDS | {b"date"}


class HeaderLine(NamedTuple, Generic[ContextT]):
    """One field to write.

    Attributes:
        name: as the operator spells it.
        render: makes the value, printable ASCII; empty for no field, as in nginx.
    """

    name: bytes
    render: Callable[[ContextT], bytes]


@dataclass(frozen=True, slots=True)
class HeaderRules(Generic[ContextT]):
    """Rules for the fields of one direction.

    Attributes:
        dropped: folded names of fields that the message itself may not bring: the removed ones, and
            those that are set.
        lines: what is written instead, and added.
        host: toward the app: the Host to send; None for the client's.
    """

    dropped: frozenset[bytes]
    lines: tuple[HeaderLine[ContextT], ...]
    host: bytes | None = None

    def kept(self, fields: Iterable[Field]) -> list[Field]:
        """Return the message's own fields without those that are dropped."""
        # Folded, as CGI and WSGI do: X_User must not stand beside the X-User that was set.
        return [field for field in fields if fold(field[0]) not in self.dropped]

    def made(self, context: ContextT) -> list[Field]:
        """Return the fields to write, their values made from the context."""
        values = ((name, render(context)) for name, render in self.lines)
        return [(name.lower(), name, value) for name, value in values if value]

    def applied(self, fields: Iterable[Field], context: ContextT) -> list[Field]:
        """Return the fields of a message after these rules."""
        return self.kept(fields) + self.made(context)


def is_request_field(name: bytes) -> bool:
    """Tell whether a rule may name this field of requests to the app; Host is another matter."""
    lower = name.lower()
    # What is only mistaken for something is the operator's to set, and to remove to be sure.
    return is_token(name) and (is_client_field(lower) or lower in MISTAKEN)


def is_response_field(name: bytes) -> bool:
    """Tell whether a rule may name this field of responses to the client."""
    return is_token(name) and fold(name.lower()) not in _OF_RESPONSES
