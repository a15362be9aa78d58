"""Folders whose files are served: what they must not contain.

A folder that holds the configuration, as in ``static: .``, would hand out the keys beside it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxy.config.findings import raise_any
from proxy.config.paths import Folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import ValidationInfo

    from proxy.config.findings import Finding
    from proxy.config.model import TLS, ClientAuth, Route, Upstream

# What ``certgate ca init`` writes beside the CA's certificate.
_CA_KEY = "ca.key"


def check_folders(routes: Iterable[Route], info: ValidationInfo) -> None:
    """Refuse what cannot be meant about folders that are served.

    Raises:
        ValidationError: for an ``index`` without a folder, and for a folder with secrets in it.
    """
    looks = isinstance(info.context, Folder)
    secrets = [_real(path) for path in _secrets(info.data)] if looks else []
    raise_any(_findings(routes, secrets))


def _findings(routes: Iterable[Route], secrets: list[Path]) -> Iterator[Finding]:
    for index, route in enumerate(routes):
        if route.static is None:
            if "index" in route.model_fields_set:
                yield (index, "index"), "has no effect without static"
            continue
        for secret in secrets:
            if secret.is_relative_to(_real(route.static)):
                message = f"{secret} lies in this folder, and would be handed out; move it"
                yield (index, "static"), message


def _real(path: Path) -> Path:
    """Return the path without links; unlike ``Path.resolve`` also where links run in a circle."""
    return Path(os.path.realpath(path))


def _secrets(data: dict[str, Any]) -> Iterator[Path]:
    """Yield what nobody may download, as far as the configuration names it."""
    tls: TLS | None = data.get("tls")
    if tls is not None:
        yield from filter(None, (tls.private_key, tls.private_key_passphrase_file))
        for name in tls.server_names:
            yield from filter(None, (name.private_key, name.private_key_passphrase_file))
    client_auth: ClientAuth | None = data.get("client_auth")
    if client_auth is not None:
        beside = (path.with_name(_CA_KEY) for path in client_auth.ca)
        yield from (path for path in beside if path.exists())
    upstreams: dict[str, Upstream] = data.get("upstreams") or {}
    for upstream in upstreams.values():
        used = upstream.tls
        yield from filter(None, (used.private_key, used.private_key_passphrase_file))
    log = data.get("access_log")
    if log is not None and isinstance(log.path, Path):
        yield log.path
