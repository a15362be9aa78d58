"""What a broken upstream sends, and what a client of the gate must make of it.

The rule behind the table: a client may get an error or a body that looks cut, never an answer
that looks complete and is wrong, never another client's bytes, and never nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.upstreams.scripted import Connection


class Ending(Enum):
    """What the upstream does after its bytes."""

    FIN = auto()
    RESET = auto()
    STALL = auto()
    KEEP = auto()


class Outcome(Enum):
    """What the client must see."""

    BAD_GATEWAY = auto()  # 502
    GATEWAY_TIMEOUT = auto()  # 504
    CUT = auto()  # the upstream's status and a visibly incomplete body; or 502, seen in time
    COMPLETE = auto()  # the upstream's status and exactly ``body``
    COMPLETE_OR_BAD_GATEWAY = auto()  # either is right: what came contradicts itself


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave.

    Attributes:
        answer: the bytes that follow a request.
        outcome: what the client must see.
        ending: what follows the bytes.
        body: for ``COMPLETE``, what the client must get.
        status: for ``COMPLETE`` and ``CUT``, the status that the client must get.
        method: the method of the request that provokes it.
    """

    answer: bytes
    outcome: Outcome
    ending: Ending = Ending.KEEP
    body: bytes = b""
    status: int = 200
    method: str = "GET"


def _ok(*lines: bytes, body: bytes = b"", status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"".join(line + b"\r\n" for line in (status, *lines, b"")) + body


_BAD, _CUT, _COMPLETE = Outcome.BAD_GATEWAY, Outcome.CUT, Outcome.COMPLETE
_FIN, _RESET, _STALL, _KEEP = Ending.FIN, Ending.RESET, Ending.STALL, Ending.KEEP
_CHUNKED = b"Transfer-Encoding: chunked"
_POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"

FAULTS: dict[str, Fault] = {
    # the head does not come
    "closes without a word": Fault(b"", _BAD, _FIN),
    "resets without a word": Fault(b"", _BAD, _RESET),
    "says nothing": Fault(b"", Outcome.GATEWAY_TIMEOUT, _STALL),
    "closes inside the head": Fault(b"HTTP/1.1 200 OK\r\nContent-Le", _BAD, _FIN),
    "resets inside the head": Fault(b"HTTP/1.1 200 OK\r\nContent-Le", _BAD, _RESET),
    "stalls inside the head": Fault(b"HTTP/1.1 200 OK\r\nA: b", Outcome.GATEWAY_TIMEOUT, _STALL),
    # the status line is none
    "garbage": Fault(b"\x00\x01\x02garbage\r\n\r\n", _BAD, _FIN),
    "HTTP/0.9 answer": Fault(b"<html>hello</html>\n", _BAD, _FIN),
    "SSH banner": Fault(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", _BAD, _FIN),
    "ICY status line": Fault(b"ICY 200 OK\r\nContent-Length: 2\r\n\r\nok", _BAD),
    "HTTP/2.0 status line": Fault(
        _ok(b"Content-Length: 2", body=b"ok", status=b"HTTP/2.0 200 OK"), _BAD
    ),
    "four-digit status": Fault(
        _ok(b"Content-Length: 2", body=b"ok", status=b"HTTP/1.1 2000 OK"), _BAD
    ),
    "two-digit status": Fault(
        _ok(b"Content-Length: 2", body=b"ok", status=b"HTTP/1.1 20 OK"), _BAD
    ),
    "status below 100": Fault(
        _ok(b"Content-Length: 2", body=b"ok", status=b"HTTP/1.1 099 X"), _BAD
    ),
    "TLS alert": Fault(bytes.fromhex("15030300020228"), _BAD, _FIN),
    # the head is too much
    "oversize field": Fault(_ok(b"X: " + b"x" * 40_000, b"Content-Length: 0"), _BAD),
    "oversize head": Fault(
        _ok(*(b"X-%d: %s" % (n, b"x" * 900) for n in range(50)), b"Content-Length: 0"), _BAD
    ),
    "endless head": Fault(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200_000, _BAD),
    "flood of 1xx": Fault(b"HTTP/1.1 102 Processing\r\n\r\n" * 50_000, _BAD),
    # the head is ambiguous
    "bare LF line ends": Fault(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", _BAD),
    "bare CR in a value": Fault(_ok(b"X: a\rb", b"Content-Length: 2", body=b"ok"), _BAD),
    "NUL in a value": Fault(_ok(b"X: a\0b", b"Content-Length: 2", body=b"ok"), _BAD),
    "obs-fold": Fault(_ok(b"X: a", b" b", b"Content-Length: 2", body=b"ok"), _BAD),
    "space before the colon": Fault(_ok(b"Content-Length : 2", body=b"ok"), _BAD),
    "line without a colon": Fault(_ok(b"oops", b"Content-Length: 2", body=b"ok"), _BAD),
    "empty field name": Fault(_ok(b": x", b"Content-Length: 2", body=b"ok"), _BAD),
    "different Content-Lengths": Fault(
        _ok(b"Content-Length: 2", b"Content-Length: 3", body=b"ok!"), _BAD
    ),
    "repeated Content-Length": Fault(
        _ok(b"Content-Length: 2", b"Content-Length: 2", body=b"ok"), _BAD
    ),
    "Content-Length list": Fault(_ok(b"Content-Length: 2, 2", body=b"ok"), _BAD),
    "signed Content-Length": Fault(_ok(b"Content-Length: +2", body=b"ok"), _BAD),
    "negative Content-Length": Fault(_ok(b"Content-Length: -2", body=b"ok"), _BAD),
    "hexadecimal Content-Length": Fault(_ok(b"Content-Length: 0x2", body=b"ok"), _BAD),
    "empty Content-Length": Fault(_ok(b"Content-Length:", body=b"ok"), _BAD),
    "huge Content-Length": Fault(_ok(b"Content-Length: " + b"9" * 30, body=b"ok"), _BAD),
    "Content-Length and chunked": Fault(
        _ok(b"Content-Length: 2", _CHUNKED, body=b"2\r\nok\r\n0\r\n\r\n"), _BAD
    ),
    "Transfer-Encoding gzip, chunked": Fault(
        _ok(b"Transfer-Encoding: gzip, chunked", body=b"2\r\nok\r\n0\r\n\r\n"), _BAD
    ),
    "Transfer-Encoding identity": Fault(
        _ok(b"Transfer-Encoding: identity", body=b"ok"), _BAD, _FIN
    ),
    "repeated Transfer-Encoding": Fault(
        _ok(_CHUNKED, _CHUNKED, body=b"2\r\nok\r\n0\r\n\r\n"), _BAD
    ),
    "chunked on 1.0": Fault(
        _ok(_CHUNKED, body=b"2\r\nok\r\n0\r\n\r\n", status=b"HTTP/1.0 200 OK"), _BAD, _FIN
    ),
    "unasked 101": Fault(
        _ok(
            b"Connection: Upgrade",
            b"Upgrade: websocket",
            status=b"HTTP/1.1 101 Switching Protocols",
        ),
        _BAD,
    ),
    # the body is cut
    "closes inside a counted body": Fault(_ok(b"Content-Length: 9", body=b"four"), _CUT, _FIN),
    "resets inside a counted body": Fault(_ok(b"Content-Length: 9", body=b"four"), _CUT, _RESET),
    "stalls inside a counted body": Fault(_ok(b"Content-Length: 9", body=b"four"), _CUT, _STALL),
    "closes inside a chunked body": Fault(_ok(_CHUNKED, body=b"4\r\nfour\r\n"), _CUT, _FIN),
    "closes inside a chunk": Fault(_ok(_CHUNKED, body=b"9\r\nfour"), _CUT, _FIN),
    "closes before the last blank line": Fault(
        _ok(_CHUNKED, body=b"4\r\nfour\r\n0\r\n"), _CUT, _FIN
    ),
    "resets inside a chunked body": Fault(_ok(_CHUNKED, body=b"4\r\nfour\r\n"), _CUT, _RESET),
    "stalls inside a chunked body": Fault(_ok(_CHUNKED, body=b"4\r\nfour\r\n"), _CUT, _STALL),
    "resets a close-delimited body": Fault(_ok(body=b"four"), _CUT, _RESET),
    "stalls a close-delimited body": Fault(_ok(body=b"four"), _CUT, _STALL),
    # the chunks are broken
    "chunk size is no number": Fault(_ok(_CHUNKED, body=b"4\r\nfour\r\nzz\r\n"), _CUT),
    "chunk size is negative": Fault(_ok(_CHUNKED, body=b"4\r\nfour\r\n-1\r\nx\r\n"), _CUT),
    "chunk size overflows": Fault(
        _ok(_CHUNKED, body=b"4\r\nfour\r\n" + b"f" * 17 + b"\r\nx"), _CUT
    ),
    "chunk is longer than it says": Fault(
        _ok(_CHUNKED, body=b"4\r\nfour\r\n2\r\nlonger\r\n0\r\n\r\n"), _CUT
    ),
    "chunk lines end with bare LF": Fault(_ok(_CHUNKED, body=b"4\r\nfour\r\n4\nfive\n0\n\n"), _CUT),
    # odd, but whole
    "close-delimited body": Fault(_ok(body=b"four"), _COMPLETE, _FIN, body=b"four"),
    "close-delimited body on 1.0": Fault(
        _ok(body=b"four", status=b"HTTP/1.0 200 OK"), _COMPLETE, _FIN, body=b"four"
    ),
    "no reason phrase": Fault(
        _ok(b"Content-Length: 2", body=b"ok", status=b"HTTP/1.1 200 "), _COMPLETE, body=b"ok"
    ),
    "more body than counted": Fault(
        _ok(b"Content-Length: 2", body=b"ok" + _POISON), _COMPLETE, body=b"ok"
    ),
    "bytes after the last chunk": Fault(
        _ok(_CHUNKED, body=b"2\r\nok\r\n0\r\n\r\n" + _POISON), _COMPLETE, body=b"ok"
    ),
    # RFC 9110, section 8.6, forbids this field on a 204; many an app sends it all the same.
    "Content-Length 0 on 204": Fault(
        _ok(b"Content-Length: 0", status=b"HTTP/1.1 204 No Content"), _COMPLETE, status=204
    ),
    "body on 204": Fault(
        _ok(b"Content-Length: 2", body=b"ok" + _POISON, status=b"HTTP/1.1 204 No Content"),
        Outcome.COMPLETE_OR_BAD_GATEWAY,
        status=204,
    ),
    "unannounced body on 204": Fault(
        _ok(body=b"ok" + _POISON, status=b"HTTP/1.1 204 No Content"), _COMPLETE, status=204
    ),
    "body on 304": Fault(
        _ok(b"Content-Length: 2", body=b"ok" + _POISON, status=b"HTTP/1.1 304 Not Modified"),
        _COMPLETE,
        status=304,
    ),
    "body on HEAD": Fault(
        _ok(b"Content-Length: 2", body=b"ok" + _POISON), _COMPLETE, method="HEAD"
    ),
    "chunked answer to HEAD": Fault(_ok(_CHUNKED), _COMPLETE, method="HEAD"),
    "answer without length to HEAD": Fault(_ok(), _COMPLETE, method="HEAD"),
    "100 before the answer": Fault(
        b"HTTP/1.1 100 Continue\r\n\r\n" + _ok(b"Content-Length: 2", body=b"ok"),
        _COMPLETE,
        body=b"ok",
    ),
    "103 before the answer": Fault(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
        + _ok(b"Content-Length: 2", body=b"ok"),
        _COMPLETE,
        body=b"ok",
    ),
    "Connection: close, then FIN": Fault(
        _ok(b"Connection: close", b"Content-Length: 2", body=b"ok"), _COMPLETE, _FIN, body=b"ok"
    ),
}


class Misbehaving:
    """A script that misbehaves as ``fault`` says on the path ``/fault`` and is well otherwise."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault

    async def __call__(self, connection: Connection) -> None:
        """Serve one connection."""
        while (await connection.request()).target != "/fault":
            await connection.send(_ok(b"Content-Length: 4", body=b"well"))
        fault = self.fault
        await connection.send(fault.answer)
        match fault.ending:
            case Ending.FIN:
                return
            case Ending.RESET:
                await connection.reset()
            case Ending.STALL:
                await connection.until_closed()
            case Ending.KEEP:
                await self(connection)
