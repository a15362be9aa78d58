"""nginx's escaping of log values: what a client sends never breaks out of its line or quotes."""

from __future__ import annotations

from typing import Final

# nginx, ngx_http_log_escape: printable ASCII stands as it is, except these two.
SAFE: Final = bytes(byte for byte in range(0x20, 0x7F) if byte not in b'"\\')
_ESCAPED: Final = tuple(
    bytes((byte,)) if byte in SAFE else b"\\x%02X" % byte for byte in range(256)
)


def escape(value: bytes) -> bytes:
    r"""Escape as nginx's default does: ``\xXX`` for controls, DEL and above, ``"`` and ``\``."""
    if not value.translate(None, SAFE):
        return value
    return b"".join([_ESCAPED[byte] for byte in value])
