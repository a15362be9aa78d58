"""Reading files without keeping everybody waiting.

Bytes that the kernel has in memory take 20 µs for 128 KiB; a thread would add 130 µs to that. Bytes
on a disk may take a hundred milliseconds, in which nobody else would be served. So the kernel is
asked for what it has (``RWF_NOWAIT``), and only what it does not have is read by a thread.
"""

from __future__ import annotations

import errno
import os
from typing import Final

# Linux 4.14, on most file systems; where it is missing, threads read everything.
_NOWAIT: Final = getattr(os, "RWF_NOWAIT", None)
_WOULD_WAIT: Final = frozenset({errno.EAGAIN, errno.EOPNOTSUPP})


def read_cached(descriptor: int, size: int, offset: int) -> bytearray | None:
    """Return up to ``size`` bytes that are in memory; nothing at the end of the file.

    Returns:
        None where reading would have to wait for a disk or a network: let a thread do it.

    Raises:
        OSError: the file cannot be read.
    """
    if _NOWAIT is None:
        return None
    buffer = bytearray(size)
    try:
        count = os.preadv(descriptor, [buffer], offset, _NOWAIT)
    except OSError as error:
        if error.errno in _WOULD_WAIT:
            return None
        raise
    del buffer[count:]
    return buffer
