"""The stable codes of a refusal: page, problem+json, log and metrics all use these words."""

from __future__ import annotations

from enum import StrEnum


class RefusalCode(StrEnum):
    """Why a client was answered 403. The values are a contract with the outside."""

    CERTIFICATE_MISSING = "certificate_missing"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_NOT_YET_VALID = "certificate_not_yet_valid"
    CERTIFICATE_UNKNOWN_ISSUER = "certificate_unknown_issuer"
    CERTIFICATE_SELF_SIGNED = "certificate_self_signed"
    CERTIFICATE_INCOMPLETE_CHAIN = "certificate_incomplete_chain"
    CERTIFICATE_REVOKED = "certificate_revoked"
    CERTIFICATE_WRONG_PURPOSE = "certificate_wrong_purpose"
    CERTIFICATE_CHAIN_TOO_LONG = "certificate_chain_too_long"
    CERTIFICATE_WEAK = "certificate_weak"
    CERTIFICATE_BAD_SIGNATURE = "certificate_bad_signature"
    CRL_EXPIRED = "crl_expired"
    CRL_MISSING = "crl_missing"
    CERTIFICATE_INVALID = "certificate_invalid"
    NOT_ALLOWED = "not_allowed"
    DENIED = "denied"
