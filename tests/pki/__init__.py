"""A certificate factory: every client that the gate meets, good and bad, made in memory.

>>> files = client("expired").write(folder)      # files.certificate, files.key
>>> trust().ca_pem, trust().crl_pem, server("localhost")
>>> REFUSED["expired"]
'certificate_expired'
"""

from tests.pki.authority import Authority, Files, Identity
from tests.pki.clients import (
    ADMITTED,
    REFUSED,
    Trust,
    bundle,
    client,
    crl_pem,
    impostor,
    server,
    stranger,
    trust,
)
from tests.pki.issue import (
    DAY,
    START,
    Issuer,
    Profile,
    certificate,
    tampered,
    with_bit_string_name,
)
from tests.pki.keys import certificate_pem, ec_key, key_pem, rsa_key
from tests.pki.names import EMPTY, NASTY_SUBJECTS, name

__all__ = [
    "ADMITTED",
    "DAY",
    "EMPTY",
    "NASTY_SUBJECTS",
    "REFUSED",
    "START",
    "Authority",
    "Files",
    "Identity",
    "Issuer",
    "Profile",
    "Trust",
    "bundle",
    "certificate",
    "certificate_pem",
    "client",
    "crl_pem",
    "ec_key",
    "impostor",
    "key_pem",
    "name",
    "rsa_key",
    "server",
    "stranger",
    "tampered",
    "trust",
    "with_bit_string_name",
]
