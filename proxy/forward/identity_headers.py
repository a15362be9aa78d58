"""The headers that tell the app who the client is, and the ones that a client may never send.

The app believes these headers blindly, so two things must hold. Nothing that reads like one of
them passes from the client (``is_identity_name``), whichever family is switched on: an app that
falls back from ``X-SSL-Client-S-DN`` to ``Client-Cert`` must not find the client's own. And no
character of a certificate can end a header line (every value is printable ASCII by construction).
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote

from cryptography.hazmat.primitives.serialization import Encoding

from proxy.identity.alternative_names import NameKind
from proxy.identity.codes import RefusalCode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from cryptography.x509 import Certificate

    from proxy.identity.facts import CertificateFacts
    from proxy.identity.verdict import Verdict

Family = Literal["x-ssl-client", "client-cert", "xfcc"]

_NEVER: Final = float("inf")

_MAX_CHAIN_HEADER: Final = 8000
"""Octets of ``Client-Cert-Chain``; gunicorn and others refuse a field of more than 8,190. A longer
chain is left out whole: RFC 9440 §2.3 makes it optional, half of it would be a false statement."""

# --- names that never pass ------------------------------------------------------------------------

_STRIPPED: Final = re.compile(
    rb"""
    (?:x-)? (?:
        (?:forwarded-)? (?:tls-|ssl-|mtls-)? client-?cert  # RFC 9440, Envoy, Traefik, Azure, GCP
      | (?:tls-|ssl-|mtls-) client                         # ours, ingress-nginx, HAProxy, CGI
      | client-(?:verify|verified|s-dn|i-dn|dn|cn|san|subject|issuer|serial|fingerprint)(?:-|\Z)
      | ssl-(?:cert|subject|issuer)(?:-|\Z)                # older nginx recipes
      | arr-clientcert                                     # ASP.NET Core's default name
      | amzn-mtls-clientcert                               # AWS load balancers
    )
    | cf-client-cert                                       # Cloudflare
    """,
    re.VERBOSE,
)
"""Matched from the start of the folded, lower-case name, so a hit covers every longer name too.

The list is closed: the header names under which proxies and load balancers announce a TLS client
certificate. Only the one who ends the client's TLS can know it, and that is this proxy.
"""

_FOLD: Final = bytes(
    octet if octet in b"abcdefghijklmnopqrstuvwxyz0123456789" else ord("-")
    for octet in bytes(range(256)).lower()
)


@lru_cache(maxsize=256)
def is_identity_name(name: bytes) -> bool:
    """Say whether a header or trailer name belongs to an identity family: never forward it.

    Case does not count, and every octet that is neither letter nor digit counts as ``-``: CGI,
    WSGI, PHP and Rack turn ``X_SSL_Client-Verify`` and ``X-SSL-Client-Verify`` into one variable.
    A name with an octet above 0x7f counts as one as well.

    The cache makes a repeated name cost 0.1 µs instead of 0.5. It only remembers a pure function;
    a client who floods it with names makes its own requests slower and holds at most 256 names.
    """
    # Python's WSGI servers read names as Latin-1 and upper-case them, and "ß".upper() is "SS":
    # X-\xdfL-Client-Verify would arrive as HTTP_X_SSL_CLIENT_VERIFY. No token has such octets.
    return not name.isascii() or _STRIPPED.match(name.translate(_FOLD)) is not None


# --- lines for the app ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IdentityLines:
    """Identity headers, ready to stand in a request head.

    Attributes:
        lines: complete ``Name: value`` lines, each with its CR LF.
        stale_at: unix time at which they must be made anew (``X-SSL-Client-V-Remain`` counts
            days), infinity if never. The verdict has its own ``valid_until``.
    """

    lines: bytes
    stale_at: float


def identity_header_lines(
    facts: CertificateFacts | None,
    verdict: Verdict,
    families: Collection[Family],
    now: float,
    chain: tuple[Certificate, ...] = (),
) -> IdentityLines:
    """Return what the app is told about the client of one connection.

    Unless the verdict is SUCCESS that is ``X-SSL-Client-Verify`` and nothing else: an app that
    looks at the DN alone must not meet a name that nobody vouches for.

    Args:
        facts: the leaf's facts; None without a certificate or with an unreadable one.
        verdict: of ``judge``.
        families: which headers are switched on.
        now: unix time.
        chain: the validated path, leaf first, for ``Client-Cert-Chain``.

    Raises:
        ValueError: SUCCESS without facts. It must not become headers.
    """
    if verdict.code is None and facts is None:
        raise ValueError("a verified client without certificate facts")
    if verdict.code is not None or facts is None:
        return IdentityLines(_refused(verdict, families), _NEVER)
    fields: list[tuple[str, str]] = []
    stale_at = _NEVER
    if "x-ssl-client" in families:
        fields += _x_ssl_client(facts, now)
        stale_at = facts.remaining_days_change(now)
    if "client-cert" in families:
        fields += _client_cert(facts, chain)
    if "xfcc" in families:
        fields.append(("X-Forwarded-Client-Cert", _xfcc(facts)))
    return IdentityLines(_lines(fields), stale_at)


def _refused(verdict: Verdict, families: Collection[Family]) -> bytes:
    if "x-ssl-client" not in families:
        return b""
    if verdict.code is RefusalCode.CERTIFICATE_MISSING:
        return _lines([("X-SSL-Client-Verify", "NONE")])
    reason = verdict.error.text if verdict.error else "certificate was not verified"
    return _lines([("X-SSL-Client-Verify", f"FAILED:{percent_escaped(reason)}")])


def _x_ssl_client(facts: CertificateFacts, now: float) -> Iterable[tuple[str, str]]:
    return (
        ("X-SSL-Client-Verify", "SUCCESS"),
        ("X-SSL-Client-S-DN", facts.subject),
        ("X-SSL-Client-I-DN", facts.issuer),
        ("X-SSL-Client-Serial", facts.serial_hex),
        ("X-SSL-Client-Fingerprint", facts.fingerprint_sha1),
        ("X-SSL-Client-SHA256", facts.fingerprint_sha256),
        ("X-SSL-Client-CN", percent_escaped(facts.cn)),
        ("X-SSL-Client-SAN", listed_alternative_names(facts)),
        ("X-SSL-Client-V-Start", facts.not_before_text),
        ("X-SSL-Client-V-End", facts.not_after_text),
        ("X-SSL-Client-V-Remain", str(facts.remaining_days(now))),
        ("X-SSL-Client-Cert", facts.escaped_pem),
    )


def listed_alternative_names(facts: CertificateFacts) -> str:
    """Return ``DNS:a.example,email:b@example``: split at commas, then at the first colon."""
    return ",".join(
        f"{name.kind}:{percent_escaped(name.value).replace(',', '%2C')}"
        for name in facts.alternative_names
    )


def _client_cert(
    facts: CertificateFacts, chain: tuple[Certificate, ...]
) -> Iterable[tuple[str, str]]:
    """RFC 9440: structured field byte sequences; the chain without the leaf and the anchor."""
    yield "Client-Cert", _byte_sequence(facts.der)
    # Whoever has a use for the chain has the anchor; RFC 9440 §2.3 lets it out, as TLS does.
    between = chain[1:-1]
    text = ", ".join(_byte_sequence(item.public_bytes(Encoding.DER)) for item in between)
    if len(text) <= _MAX_CHAIN_HEADER:
        yield "Client-Cert-Chain", text


def _xfcc(facts: CertificateFacts) -> str:
    """Envoy's header with the details that service meshes set: Hash, Subject, URI, DNS."""
    # Subject is there even when it is empty. Its RFC 2253 form escapes quotes already.
    elements = [f"Hash={facts.fingerprint_sha256}", f'Subject="{facts.subject}"']
    elements += [f"URI={_xfcc_value(uri)}" for uri in facts.names(NameKind.URI)]
    elements += [f"DNS={_xfcc_value(name)}" for name in facts.names(NameKind.DNS)]
    return ";".join(elements)


def _xfcc_value(value: str) -> str:
    # Envoy documents quotes around values with , ; = and a backslash before a quote. Without
    # them a URI like spiffe://x;Subject="CN=admin" would speak for somebody else.
    text = percent_escaped(value)
    if _XFCC_SPECIAL.search(text):
        text = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{text}"'
    return text


def _byte_sequence(data: bytes) -> str:
    return f":{b64encode(data).decode()}:"


def percent_escaped(text: str) -> str:
    """Return header-safe text from which ``decodeURIComponent`` restores the original.

    Printable ASCII stays as it is, but for ``%`` and for spaces at either end (HTTP would trim
    them); everything else becomes ``%XX`` of its UTF-8 form.
    """
    if _PLAIN.fullmatch(text):
        return text
    inner = text.strip(" ")
    before = len(text) - len(text.lstrip(" "))
    after = len(text) - before - len(inner)
    return "%20" * before + quote(inner, safe=_KEPT) + "%20" * after


def _lines(fields: Iterable[tuple[str, str]]) -> bytes:
    # As in nginx, an empty value means no header.
    return "".join(f"{name}: {value}\r\n" for name, value in fields if value).encode("ascii")


_KEPT: Final = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
_PLAIN: Final = re.compile(r"(?! )[ -$&-~]+(?<! )|")
_XFCC_SPECIAL: Final = re.compile(r'[,;="\\]')
