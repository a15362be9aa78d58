"""Every kind of client: one trust anchor, and a client for each way to be refused.

``trust()`` is made once a process. ``client(kind)`` is made at its first use and then kept, so a
test pays only for what it asks for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.pki.authority import Authority, Identity
from tests.pki.issue import DAY, START, Issuer, Profile, certificate, signed_with_sha1, tampered
from tests.pki.keys import certificate_pem, ec_key, rsa_key
from tests.pki.names import EMPTY, name

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Trust:
    """The certificates that the gate under test believes in.

    Attributes:
        root: the one trust anchor of client certificates.
        sub: an intermediate of the root that clients send, or forget; it has a CRL.
        far: another one, of which the gate has never heard.
        deep: the last of four intermediates in a row: one more than ``verify_depth`` allows.
        narrow: an intermediate that may sign leaves only (path length 0).
        bent: an intermediate below ``narrow``, hence a violation of its path length.
        late: an intermediate that has expired.
        web: another root, which signed the gate's own server certificate.
    """

    root: Authority
    sub: Authority
    far: Authority
    deep: Authority
    narrow: Authority
    bent: Authority
    late: Authority
    web: Authority

    @property
    def ca_pem(self) -> bytes:
        """What belongs into ``client_auth.ca``."""
        return self.root.pem

    @property
    def crls(self) -> tuple[x509.CertificateRevocationList, ...]:
        """Current CRLs of every CA that issues clients; the root's lists ``revoked``."""
        issuers = (self.sub, self.deep, self.narrow, self.bent, self.late)
        return (self.root.crl([client("revoked")]), *(issuer.crl() for issuer in issuers))

    @property
    def crl_pem(self) -> bytes:
        """The CRLs as one PEM file; the one that matters is not the first."""
        return crl_pem(*reversed(self.crls))


@cache
def trust() -> Trust:
    """Return the process's one set of authorities."""
    root = Authority()
    deep = root
    for level in range(1, 5):
        deep = deep.intermediate(f"certgate test deep {level}")
    narrow = root.intermediate(
        "certgate test narrow", Profile(not_after=START + 365 * DAY, path_length=0)
    )
    return Trust(
        root=root,
        sub=root.intermediate("certgate test sub"),
        far=root.intermediate("certgate test far"),
        deep=deep,
        narrow=narrow,
        bent=narrow.intermediate("certgate test bent"),
        late=root.intermediate(
            "certgate test late",
            Profile(not_before=START - 9 * DAY, not_after=START - DAY),
        ),
        web=Authority("certgate test web root"),
    )


def crl_pem(*crls: x509.CertificateRevocationList) -> bytes:
    """Return the CRLs as one PEM text, in the order given."""
    return b"".join(crl.public_bytes(Encoding.PEM) for crl in crls)


@cache
def client(kind: str) -> Identity:
    """Return the client of this kind: a key of ``REFUSED`` (but ``none``) or of ``ADMITTED``."""
    return _MAKERS[kind]()


@cache
def stranger() -> Authority:
    """Return a CA that no gate trusts."""
    return Authority("somebody else's CA")


@cache
def impostor() -> Authority:
    """Return a CA with the trusted root's name and a key of its own."""
    return Authority("certgate test root")


def _self_signed(profile: Profile) -> Identity:
    key = ec_key()
    return Identity(key, (certificate(profile, key, Issuer(profile.subject, key), 1),))


def _with_root(identity: Identity, authority: Authority) -> Identity:
    return identity.sending(*identity.certificates[1:], authority.certificate)


def _sha1() -> Identity:
    root = trust().root
    assert isinstance(root.key, EllipticCurvePrivateKey)
    identity = root.client("sha1")
    return replace(identity, certificates=(signed_with_sha1(identity.leaf, root.key),))


def _tampered() -> Identity:
    identity = trust().root.client("tampered")
    return replace(identity, certificates=(tampered(identity.leaf),))


def _issued_by_a_leaf() -> Identity:
    alice, key = client("good"), ec_key()
    leaf = certificate(Profile(subject=name("eve")), key, Issuer(alice.leaf.subject, alice.key), 1)
    return Identity(key, (leaf, alice.leaf))


def _without(identity: Identity) -> Identity:
    return identity.sending()


def _purpose(*purposes: x509.ObjectIdentifier) -> Identity:
    return trust().root.client("other purpose", extended_key_usage=purposes)


_UNKNOWN_CRITICAL = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\5\0"
)
_ROOT_NAME = "certgate test root"

_MAKERS: dict[str, Callable[[], Identity]] = {
    # admitted
    "good": lambda: trust().root.client("alice"),
    "good_rsa": lambda: trust().root.issue(Profile(subject=name("ruth")), rsa_key(2048)),
    "no_eku": _purpose,
    "client_and_server_eku": lambda: _purpose(
        ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
    ),
    "with_intermediate": lambda: trust().sub.client("bob"),
    "with_intermediate_and_root": lambda: _with_root(trust().sub.client("bob"), trust().root),
    "empty_subject": lambda: trust().root.issue(
        Profile(
            subject=EMPTY,
            alternative_names=(x509.RFC822Name("alice@example.com"),),
        )
    ),
    "same_subject_as_ca_with_key_identifiers": lambda: trust().root.client(_ROOT_NAME),
    # refused
    "self_signed": lambda: _self_signed(Profile(subject=name("selfie"))),
    "self_signed_ca": lambda: _self_signed(Profile(subject=name("selfie"), ca=True)),
    "unknown_ca": lambda: stranger().client("mallory"),
    "unknown_ca_with_its_root": lambda: _with_root(stranger().client("mallory"), stranger()),
    "same_name_other_key": lambda: impostor().client("mallory", key_identifiers=False),
    "same_name_other_key_with_key_identifiers": lambda: impostor().client("mallory"),
    "expired": lambda: trust().root.client(
        "carol", not_before=START - 30 * DAY, not_after=START - 3 * DAY
    ),
    "not_yet_valid": lambda: trust().root.client(
        "dave", not_before=START + 2 * DAY, not_after=START + 30 * DAY
    ),
    "expired_intermediate": lambda: trust().late.client("erin"),
    "wrong_eku": lambda: _purpose(ExtendedKeyUsageOID.SERVER_AUTH),
    "code_signing_eku": lambda: _purpose(ExtendedKeyUsageOID.CODE_SIGNING),
    "any_eku": lambda: _purpose(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE),
    "wrong_key_usage": lambda: trust().root.client("encrypts only", digital_signature=False),
    "missing_intermediate": lambda: _without(trust().far.client("bob")),
    "missing_known_intermediate": lambda: _without(trust().sub.client("bob")),
    "too_many_intermediates": lambda: trust().deep.client("deep"),
    "path_length": lambda: trust().bent.client("bent"),
    "weak_rsa_1024": lambda: trust().root.issue(Profile(subject=name("weak")), rsa_key(1024)),
    "weak_sha1": _sha1,
    "tampered": _tampered,
    "revoked": lambda: trust().root.client("mallory"),
    "expired_and_unknown_ca": lambda: stranger().client(
        "old mallory", not_before=START - 30 * DAY, not_after=START - DAY
    ),
    "expired_and_wrong_eku": lambda: trust().root.client(
        "old server",
        not_before=START - 30 * DAY,
        not_after=START - DAY,
        extended_key_usage=(ExtendedKeyUsageOID.SERVER_AUTH,),
    ),
    "same_subject_as_ca": lambda: trust().root.client(_ROOT_NAME, key_identifiers=False),
    "unknown_critical_extension": lambda: trust().root.client(
        "odd", more=((_UNKNOWN_CRITICAL, True),)
    ),
    "issued_by_a_leaf": _issued_by_a_leaf,
}

# The code of the refusal page, with `verify_depth: 3`, `crl: trust().crl_pem`, `crl_check: leaf`.
REFUSED: dict[str, str] = {
    "none": "certificate_missing",
    "self_signed": "certificate_self_signed",
    "self_signed_ca": "certificate_self_signed",
    "unknown_ca": "certificate_unknown_issuer",
    "unknown_ca_with_its_root": "certificate_unknown_issuer",
    "same_name_other_key": "certificate_bad_signature",
    "same_name_other_key_with_key_identifiers": "certificate_unknown_issuer",
    "expired": "certificate_expired",
    "not_yet_valid": "certificate_not_yet_valid",
    "expired_intermediate": "certificate_expired",
    "wrong_eku": "certificate_wrong_purpose",
    "code_signing_eku": "certificate_wrong_purpose",
    "any_eku": "certificate_wrong_purpose",
    "wrong_key_usage": "certificate_wrong_purpose",
    # Unless the gate's configuration knows the issuer, this is no different from a stranger's.
    "missing_intermediate": "certificate_unknown_issuer",
    "missing_known_intermediate": "certificate_incomplete_chain",  # known by its CRL
    "too_many_intermediates": "certificate_chain_too_long",
    "path_length": "certificate_chain_too_long",
    "weak_rsa_1024": "certificate_weak",
    "weak_sha1": "certificate_weak",
    "tampered": "certificate_bad_signature",
    "revoked": "certificate_revoked",
    "expired_and_unknown_ca": "certificate_unknown_issuer",
    "expired_and_wrong_eku": "certificate_expired",
    "same_subject_as_ca": "certificate_self_signed",
    "unknown_critical_extension": "certificate_invalid",
    "issued_by_a_leaf": "certificate_wrong_purpose",
}

ADMITTED: tuple[str, ...] = (
    "good",
    "good_rsa",
    "no_eku",
    "client_and_server_eku",
    "with_intermediate",
    "with_intermediate_and_root",
    "empty_subject",
    "same_subject_as_ca_with_key_identifiers",
)


def server(*hosts: str) -> Identity:
    """Return a server certificate that ``trust().web`` signed; localhost and 127.0.0.1 if bare."""
    return trust().web.server(*hosts)


def bundle(*authorities: Authority) -> bytes:
    """Return the CA certificates as one PEM file."""
    return certificate_pem(*(authority.certificate for authority in authorities))
