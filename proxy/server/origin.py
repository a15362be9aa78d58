"""Who is at the other end of a connection, and what the app is told about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.forward.request_head import forwarded_lines
from proxy.server.trusted_hop import TrustedHop

if TYPE_CHECKING:
    from proxy.forward.relayed import Relayed
    from proxy.http1.messages import RequestHead
    from proxy.observe.access_record import AccessRecord
    from proxy.server.arrival import Arrival
    from proxy.snapshot import Snapshot


class Origin:
    """A client that speaks for itself; or a trusted proxy, for another one in each request.

    Attributes:
        client: the address of who is there, or for whom a proxy has spoken last.
        is_relayed: it is a proxy: ``look_past`` it at each request.
    """

    __slots__ = ("_forwarded", "_hop", "_relayed", "client", "is_relayed")

    def __init__(self, arrival: Arrival, snapshot: Snapshot) -> None:
        self.client = arrival.address
        lines = forwarded_lines(arrival.ip.encode(), arrival.port)
        self._forwarded = lines + b"X-Forwarded-Host: "
        self._hop = TrustedHop.of(arrival, snapshot)
        self._relayed: Relayed  # for one exchange, where there is a hop
        self.is_relayed = self._hop is not None

    @property
    def peer(self) -> str:
        """The address of who is connected."""
        return self._hop.address if self._hop is not None else self.client

    def look_past(self, request: RequestHead, record: AccessRecord, snapshot: Snapshot) -> None:
        """Take the client for whom a trusted proxy speaks for the one who is there."""
        if self._hop is None:
            return
        relayed = self._relayed = self._hop.read(request, snapshot)
        record.remote_addr = self.client = relayed.client
        record.request_id = relayed.request_id or record.request_id

    def lines(self, request: RequestHead, request_id: str, identity: bytes) -> bytes:
        """Return the field lines that certgate adds to a request for the app.

        Args:
            request: the client's.
            request_id: of this request.
            identity: the lines that tell who the certificate is for.
        """
        if self._hop is not None:
            return b"%bX-Request-ID: %b\r\n%b" % (
                self._relayed.lines,
                request_id.encode(),
                identity,
            )
        parts = (
            self._forwarded,
            request.section.host,
            b"\r\nX-Request-ID: ",
            request_id.encode(),
            b"\r\n",
            identity,
        )
        return b"".join(parts)
