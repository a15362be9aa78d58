"""What a proxy did with a case, in a word."""

from __future__ import annotations

import re
from enum import Enum, IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.corpus.compare.reading import Message
    from tests.corpus.compare.run import Exchange


class Verdict(IntEnum):
    """How it ended, the worse the higher."""

    REFUSED = 0  # nobody acts on it
    PASSED = 1  # in one reading, perhaps after a repair
    HARMFUL = 2  # in one of the ways of ``Harm``


class Harm(Enum):
    """What reached the other side and should not."""

    UNREADABLE = "h11 refuses it"
    FORGED_IDENTITY = "forged identity"
    FORGED_FRAMING = "forged framing"
    H2C = "h2c offered"
    SPLIT = "two messages of one"
    VARIES = "varies"


PASSED = "passed"
_HARMS = {harm.value for harm in Harm}
# What a client must not say has this value in the corpus.
_FORGED = b"mallory"
# CGI's CONTENT_LENGTH has no HTTP_ before it: a server that folds names takes this for the length.
_FOLDED_FRAMING = re.compile(
    rb"(?i)\n(?!content-length|transfer-encoding)"
    rb"(?:content[^a-z0-9:\n]length|transfer[^a-z0-9:\n]encoding):"
)
_H2C = re.compile(rb"(?i)\nupgrade:[^\n]*h2c")
_BAD_GATEWAY = {b"502", b"504"}


def verdict(word: str) -> Verdict:
    """Return how bad an outcome is."""
    if word == PASSED:
        return Verdict.PASSED
    return Verdict.HARMFUL if word in _HARMS else Verdict.REFUSED


def of_request(exchange: Exchange) -> str:
    """Judge what reached the app, and what the client was told: a status, or nothing."""
    harm = _harm(exchange)
    if harm is not None:
        return harm.value
    if any(reading.messages for reading in exchange.app):
        return PASSED
    answers = exchange.client.messages
    return answers[-1].start[0].decode() if answers else "closed"


def _harm(exchange: Exchange) -> Harm | None:
    raw = b"".join(exchange.raw)
    if any(reading.fault for reading in exchange.app):
        return Harm.UNREADABLE
    if any(len(reading.messages) > 1 for reading in exchange.app):
        return Harm.SPLIT
    if _FORGED in raw:
        return Harm.FORGED_IDENTITY
    if _FOLDED_FRAMING.search(raw):
        return Harm.FORGED_FRAMING
    return Harm.H2C if _H2C.search(raw) else None


def of_response(exchange: Exchange) -> str:
    """Judge what reached the client, and whether it spoilt the next answer."""
    messages = exchange.client.messages
    if not messages:
        if exchange.client.fault:
            return Harm.UNREADABLE.value
        return "cut" if exchange.client.is_cut else "closed"
    if messages[0].start[0] in _BAD_GATEWAY:
        return messages[0].start[0].decode()
    if exchange.client.fault or not all(map(_is_well, messages[1:])):
        return Harm.SPLIT.value
    return PASSED


def _is_well(message: Message) -> bool:
    return message.content == b"well" or message.start[0] in _BAD_GATEWAY
