"""What answers an admitted request: an app behind the gate, or a part of the gate itself."""

from __future__ import annotations

from typing import Protocol


class Responder(Protocol):
    """One answer under way. It writes to the client and ends with the exchange's ``end``.

    Attributes:
        is_response_begun: bytes of the final response are out, so that no error page can follow.
    """

    is_response_begun: bool

    def content_received(self, data: bytes) -> None:
        """Take content of the request."""

    def content_ended(self) -> None:
        """The request is complete."""

    def client_paused(self) -> None:
        """The client reads slower than we write: make no more."""

    def client_resumed(self) -> None:
        """The client caught up."""

    def cancel(self) -> None:
        """Give up; nothing may be written any more."""
