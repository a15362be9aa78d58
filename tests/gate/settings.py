"""A working configuration on disk, to be bent by the test that needs it bent."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import yaml
from cryptography.hazmat.primitives.serialization import Encoding

from tests.gate.process import Gate
from tests.pki import server, trust

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def settings(folder: Path, upstream: str = "http://127.0.0.1:9", **changes: Any) -> dict[str, Any]:
    """Write certificates into the folder and return the short form that uses them.

    ``changes`` replace top-level keys; a key whose value is None is left out.
    """
    server().write(folder, "server")
    (folder / "ca.crt").write_bytes(trust().ca_pem)
    (folder / "crl.pem").write_bytes(trust().crl_pem)
    base: dict[str, Any] = {
        "listen": "127.0.0.1:0",
        "tls": {"certificate": "server.crt", "private_key": "server.key"},
        "client_auth": {"ca": "ca.crt", "crl": ["crl.pem"]},
        "upstream": upstream,
        "timeouts": {"shutdown": 5},
    }
    return {key: value for key, value in {**base, **changes}.items() if value is not None}


class Bare(str):
    """Text that goes into the YAML file without quotes, although YAML takes it for a boolean."""

    __slots__ = ()


yaml.SafeDumper.add_representer(
    Bare, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:bool", value)
)


def write(folder: Path, values: dict[str, Any], file_name: str = "gate.yaml") -> Path:
    """Write a configuration and return its path."""
    path = folder / file_name
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return path


@contextlib.contextmanager
def running_gate(folder: Path, upstream: str, **changes: Any) -> Iterator[Gate]:
    """Run a gate for as long as the block lasts; for fixtures that a whole module shares."""
    gate = Gate(["serve", "-c", write(folder, settings(folder, upstream, **changes))])
    try:
        yield gate
    except BaseException:
        gate.kill()
        raise
    gate.close()


def revoke(folder: Path, *identities: Any) -> None:
    """Replace the folder's CRL file by a newer one that lists these, and ``revoked``, too."""
    from tests.pki import client, crl_pem

    newer = trust().root.crl([client("revoked"), *identities])
    others = trust().crls[1:]
    (folder / "crl.pem").write_bytes(crl_pem(*others, newer))


def der(crl: Any) -> bytes:
    """Return a CRL in DER."""
    encoded: bytes = crl.public_bytes(Encoding.DER)
    return encoded
