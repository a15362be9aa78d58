"""Whom the proxy lets in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from proxy.config.model.section import Files, Section, SomeFiles
from proxy.config.units import parse_count


class ClientAuth(Section):
    """Whom the proxy lets in, and what it answers to the others."""

    ca: SomeFiles
    """PEM file, or list of files, with the certificates of the CAs whose clients are let in (the
    trust anchors). Their names go to every client, so that browsers offer the right certificate.
    Required. Danger: each CA in it can let in anyone; never name the system's bundle."""

    intermediates: Files = ()
    """PEM file or list of files with intermediate CAs, for clients that forget to send theirs.
    They are no trust anchors and their names are not sent; a self-signed one is an error.
    Default: none."""

    crl: Files = ()
    """PEM or DER file, or list of files, with the CAs' revocation lists. The list of a CA that is
    not configured counts only for clients that send this CA's certificate; `certgate check` names
    such lists. Default: none, so that revoked certificates are let in until they expire."""

    crl_check: Literal["leaf", "chain", "off"] = "leaf"
    """Whose revocation is looked up: `leaf` (the client's certificate), `chain` (its
    intermediates as well) or `off`. Without `crl` nothing is checked. With `crl`, an issuer without
    a usable list refuses the client (`crl_missing`). Default: `leaf`."""

    crl_stale: Literal["refuse", "warn"] = "refuse"
    """What happens when a list is past its `nextUpdate`: `refuse` every client of that CA, or
    `warn` in the log, every day, and go on with the old list. Danger: `warn` lets in whom a newer
    list would revoke. Default: `refuse`."""

    verify_depth: Annotated[int, Field(ge=0, le=100), BeforeValidator(parse_count)] = 3
    """How many intermediate CAs may stand between the client's certificate and the trust anchor,
    counted as OpenSSL and nginx do. Default: 3."""

    reject_with: Literal["page", "alert"] = "page"
    """How a client without a good certificate is refused: `page` answers over HTTP with the
    reason, `alert` breaks the handshake off. Routes with `optional` or `public` access need
    `page`. Default: `page`."""

    status: Annotated[int, Field(ge=400, le=499), BeforeValidator(parse_count)] = 403
    """Status code of the refusal, 400 to 499. Default: 403."""

    detail: Literal["full", "short", "none"] = "full"
    """How much the refusal tells: `full` (the reason and the names in the certificate), `short`
    (the reason) or `none`. The log always has the reason. Default: `full`."""
