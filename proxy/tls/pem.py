"""PEM text (RFC 7468) cut into labelled blocks, and nothing of it skipped in silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.errors import CertgateError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEGIN = b"-----BEGIN "
_END = b"-----END "
_DASHES = b"-----"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class PemBlock:
    """One block of a PEM text.

    Attributes:
        label: what stands after ``BEGIN``, e.g. ``CERTIFICATE`` or ``X509 CRL``.
        text: the block with its two boundary lines and no white space around its lines.
        line: where it begins, counted from 1.
    """

    label: str
    text: bytes
    line: int


def is_pem(data: bytes) -> bool:
    """Tell whether the data is meant as PEM; DER begins with the tag of a SEQUENCE (0x30)."""
    return not data.startswith(b"\x30") or _BEGIN in data


def scan(data: bytes, where: str) -> Iterator[PemBlock]:
    """Yield the blocks of a PEM text in order.

    Text around the blocks is allowed (RFC 7468, section 2: ``openssl x509 -text`` writes it), but
    a boundary that is damaged or has no partner is an error: OpenSSL would pass over that block,
    and one trust anchor or one CRL would be missing without a word.

    Args:
        data: the whole file.
        where: the file's name, for errors.

    Raises:
        CertgateError: a block is not closed, closed twice, or its boundary line is damaged.
    """
    block: list[bytes] = []
    label, begun = b"", 0
    for number, raw in enumerate(data.removeprefix(_BYTE_ORDER_MARK).splitlines(), start=1):
        line = raw.strip()
        if not block:
            if _opens(line):
                block, begun = [line], number
                label = line[len(_BEGIN) : -len(_DASHES)]
            elif _looks_like_boundary(line):
                raise _damaged(where, number)
            continue
        block.append(line)
        if line == _END + label + _DASHES:
            yield PemBlock(label.decode("ascii", "replace"), b"\n".join(block) + b"\n", begun)
            block = []
        elif _looks_like_boundary(line):
            raise _damaged(where, number)
    if block:
        raise CertgateError(
            f"{where}: the PEM block that begins in line {begun} has no end;"
            " the file is cut short, copy it again"
        )


def _opens(line: bytes) -> bool:
    """Tell whether a line begins a block; a label has no two hyphens in a row (section 3)."""
    is_boundary = line.startswith(_BEGIN) and line.endswith(_DASHES)
    return is_boundary and b"--" not in line[len(_BEGIN) : -len(_DASHES)]


def _looks_like_boundary(line: bytes) -> bool:
    return b"-BEGIN" in line or b"-END" in line


def _damaged(where: str, line: int) -> CertgateError:
    return CertgateError(
        f"{where}: line {line} is a damaged or misplaced PEM boundary;"
        " each block must begin with -----BEGIN and end with the same -----END"
    )
