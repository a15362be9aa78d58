"""The table of profiles."""

from __future__ import annotations

from cryptography.x509.oid import ExtendedKeyUsageOID

from proxy.ca.profiles import RULES, Profile


def test_every_profile_that_is_issued_has_one_purpose():
    assert {profile: rules.purpose for profile, rules in RULES.items()} == {
        Profile.CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH,
        Profile.SERVER: ExtendedKeyUsageOID.SERVER_AUTH,
    }
