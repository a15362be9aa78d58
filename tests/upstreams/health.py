"""An app with a health check, which the test lets pass or fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.upstreams.scripted import Scripted

if TYPE_CHECKING:
    from tests.upstreams.scripted import Connection

_WELL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell"
_UNWELL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


class Checked(Scripted):
    """Answers ``/healthz`` as it is, and everything else with 200 and ``body``.

    Attributes:
        is_well: what its health check says.
    """

    def __init__(
        self, body: bytes, *, is_well: bool = True, hangs: bool = False, **where: Any
    ) -> None:
        async def script(connection: Connection) -> None:
            while True:
                request = await connection.request()
                if not request.target.startswith("/healthz"):
                    await connection.send(answer)
                elif hangs:
                    await connection.until_closed()
                else:
                    await connection.send(_WELL if self.is_well else _UNWELL)

        super().__init__(script, **where)
        self.is_well = is_well
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
