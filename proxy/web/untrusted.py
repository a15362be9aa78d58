"""Text that a stranger wrote, made safe to show to a person.

HTML escaping alone does not do: a right-to-left override turns a name around, a control character
moves a terminal's cursor, a line separator forges a line, and a megabyte fills the page.
"""

from __future__ import annotations

from typing import Final

from proxy.identity.dn import visible

MAX_LENGTH: Final = 512


def printable(text: str, limit: int = MAX_LENGTH) -> str:
    r"""Return text with every invisible or steering character spelt out, and bounded.

    Args:
        text: anything, e.g. a name out of a refused certificate.
        limit: the longest result in characters; what is longer ends in an ellipsis.

    Returns:
        Text such as ``evil\u{202E}name``. It still has to be escaped for HTML.
    """
    shown = visible(text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
