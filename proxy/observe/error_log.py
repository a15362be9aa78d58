"""The error log: one readable line per event on stderr, whatever a client managed to put into it.

``2026-11-23T16:00:00Z warning  certificate refused  code=certificate_expired client=192.0.2.7``

Everybody logs through structlog (or the standard library's ``logging``, which ends here too).
An event's text is a constant of ours; what varies goes into key=value pairs. The rate limit and its
bounded memory rely on that.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import TYPE_CHECKING, Final, Literal

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from structlog.typing import EventDict, WrappedLogger

Level = Literal["debug", "info", "warning", "error", "critical"]

MAX_VALUE_LENGTH: Final = 1024
# They neither end nor steer a line, and a message about a configuration is full of them.
_OUR_MARKS: Final = re.compile("([“”…])")
# What the rate limit counts by, where the text of an event is not a constant.
_LIMIT_KEY: Final = "limit_key"
_LEVEL_WIDTH: Final = len("critical")


class RateLimit:
    """At most so many lines per second of each event; the rest is counted.

    Somebody who opens connections by the thousand must not fill the disk through the log of their
    failures. Errors pass always: they are ours, not a client's.

    Attributes:
        per_second: how many lines of one event pass within one second.
    """

    __slots__ = ("_events", "per_second")

    # Event texts are constants, so there are few; a mistake must still not cost memory.
    _MAX_EVENTS: Final = 256

    def __init__(self, per_second: int) -> None:
        self.per_second = per_second
        self._events: dict[str, _Window] = {}

    def admit(self, event: str, now: float) -> int | None:
        """Return how many lines of this event were left out before this one, or None to leave it.

        Args:
            event: the event's constant text.
            now: seconds on any monotonic clock.
        """
        window = self._events.get(event)
        if window is None:
            if len(self._events) >= self._MAX_EVENTS:
                self._events.clear()
            window = self._events[event] = _Window(now)
        if now - window.start >= 1.0:
            window.start, window.passed = now, 0
        if window.passed >= self.per_second:
            window.suppressed += 1
            return None
        window.passed += 1
        suppressed, window.suppressed = window.suppressed, 0
        return suppressed


class _Window:
    """What happened to one event since its current second began."""

    __slots__ = ("passed", "start", "suppressed")

    def __init__(self, start: float) -> None:
        self.start = start
        self.passed = 0
        self.suppressed = 0


class _Limiter:
    """The rate limit as a structlog processor."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit

    def __call__(self, _: WrappedLogger, method: str, event: EventDict) -> EventDict:
        key = event.pop(_LIMIT_KEY, None) or str(event["event"])
        if method in {"error", "critical", "exception"}:
            return event
        suppressed = self._limit.admit(key, time.monotonic())
        if suppressed is None:
            raise structlog.DropEvent
        if suppressed:
            event["suppressed"] = suppressed
        return event


def configure_logging(level: Level = "info", *, json: bool = False, per_second: int = 10) -> None:
    """Send every log event to stderr, as readable lines or as JSON.

    Args:
        level: the least severe level that is shown.
        json: one JSON object per line instead of text.
        per_second: lines per second of the same event, below the level of errors.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            _Limiter(RateLimit(per_second)),
            structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%SZ", utc=True),
            structlog.processors.format_exc_info,
            render_json if json else render_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_StderrFactory(),
        cache_logger_on_first_use=False,
    )
    _adopt_standard_logging(number)


def render_line(_: WrappedLogger, __: str, event: MutableMapping[str, object]) -> str:
    """Render an event as one line: time, level, text, then key=value pairs."""
    fields = dict(event)
    moment, level = fields.pop("timestamp", ""), fields.pop("level", "")
    text = _one_line(str(fields.pop("event", "")))
    trace = fields.pop("exception", None)
    pairs = " ".join(f"{key}={_quote(value)}" for key, value in fields.items())
    line = f"{moment} {level!s:<{_LEVEL_WIDTH}} {text}" + (f"  {pairs}" if pairs else "")
    # Indented, so that no line of an exception's text can pass for a line of the log.
    return "\n    ".join([line, *map(_one_line, str(trace or "").splitlines())])


def render_json(_: WrappedLogger, __: str, event: MutableMapping[str, object]) -> str:
    """Render an event as one JSON object."""
    return json.dumps(event, default=str)


def _one_line(text: str) -> str:
    r"""Return text without anything that could break or steer a line; ``\n`` and so on instead."""
    text = text[:MAX_VALUE_LENGTH]
    if text.isascii() and text.isprintable():
        return text
    return _escaped(text)[1:-1]


def _quote(value: object) -> str:
    """Return a value as it is, or in quotes where it could be mistaken for something else."""
    text = str(value)[:MAX_VALUE_LENGTH]
    if text.isascii() and text.isprintable() and text and not set(text) & set(' "='):
        return text
    return _escaped(text)


def _escaped(text: str) -> str:
    """Return text in quotes, as JSON; the marks in messages of ours stay readable."""
    pieces = _OUR_MARKS.split(text)
    return (
        '"'
        + "".join(
            piece if index % 2 else json.dumps(piece)[1:-1] for index, piece in enumerate(pieces)
        )
        + '"'
    )


class _StderrLogger:
    """Writes lines to stderr; a closed or full stderr costs the line, not the request."""

    def msg(self, message: str) -> None:
        try:
            sys.stderr.write(message + "\n")
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):
            # No stderr (AttributeError: it is None), closed (ValueError), or not writable.
            return

    debug = info = warning = error = critical = exception = msg


class _StderrFactory:
    """Makes the logger that structlog wraps."""

    def __call__(self, *_: object) -> _StderrLogger:
        return _StderrLogger()


class _ToStructlog(logging.Handler):
    """Brings the events of asyncio, aiohttp and other libraries into the same log."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        fields = {"logger": record.name, "exc_info": record.exc_info, _LIMIT_KEY: str(record.msg)}
        log.log(record.levelno, record.getMessage(), **fields)


def _adopt_standard_logging(number: int) -> None:
    root = logging.getLogger()
    root.handlers[:] = [_ToStructlog()]
    root.setLevel(number)
    # aiohttp would log each request of the status pages.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
