"""A CA in two steps: a root whose key can lie in a safe, and below it the CA that works."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from proxy.ca.authority import Authority
from proxy.ca.clock import system_clock
from proxy.ca.creation import (
    LONGEST_LIFETIME_DAYS,
    Material,
    NewAuthority,
    authority_validity,
    check_free,
    write_folder,
)
from proxy.ca.issuance import Signer
from proxy.ca.keys import generate_key

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.ca.clock import Clock


def create_with_root(
    directory: Path,
    root_directory: Path,
    new: NewAuthority,
    passphrase: bytes,
    clock: Clock = system_clock,
) -> Authority:
    """Make a root CA in one folder and an intermediate CA, ready to issue, in another.

    The root's folder is a CA like any other: it signs its own CRL, and revokes the intermediate,
    with the same commands. The root lives twice as long, so that a second intermediate can follow
    the first.

    Raises:
        CertgateError: one of the folders holds a CA already, or cannot be written.
    """
    check_free(directory)
    name = f"{new.subject.common_name} Root"
    root_new = replace(
        new,
        subject=replace(new.subject, common_name=name),
        days=min(2 * new.days, LONGEST_LIFETIME_DAYS),
        first_serial=1,
        path_length=1,
    )
    now = clock()
    subject, validity = new.subject.to_name(), authority_validity(new.days, now)
    with Authority.create(root_directory, root_new, passphrase, clock) as root:
        key = generate_key(new.key_type)
        issued = root.certify_below(subject, key, validity)
    material = Material(
        Signer(issued.certificate, key), issued.chain, new.first_serial, f"below {name}"
    )
    write_folder(directory, material, passphrase, now)
    return Authority.open(directory, passphrase, clock)
