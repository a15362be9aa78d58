"""Where clients come in, and what they are shown."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from proxy.config import rules
from proxy.config.model.section import Section
from proxy.config.model.values import Flag, ListenAddressValue
from proxy.config.paths import ExistingFile
from proxy.config.units import parse_count, parse_sections


class Listener(Section):
    """One socket on which clients arrive. An address alone is the same as `{address: …}`."""

    address: ListenAddressValue
    """`host:port`, `[v6]:port`, `:port` or a bare port (the last two: every address of the machine,
    IPv4 and IPv6); port 0 lets the system choose. `unix:/path`: a Unix socket, for the proxy's
    user and group only. `fd:N`, `systemd:NAME`: a listening socket that the process is started
    with. Required."""

    proxy_protocol: Flag = False
    """`true`: each connection begins with a PROXY protocol header, version 1 or 2, which tells the
    client's address; without a good one it is closed, and so is one that does not come from
    `trusted_proxies`. Default: `false`."""

    redirect_to_port: Annotated[int, Field(ge=1, le=65535), BeforeValidator(parse_count)] | None = (
        None
    )
    """Speaks plain HTTP here, and answers every request with a redirect to `https://` with the same
    host and path on this port, which is the one that browsers use: mostly `443`. Nothing is
    forwarded. Default: TLS is spoken."""


class ServerName(Section):
    """One more server certificate, chosen by the name that the client asks for (SNI)."""

    name: Annotated[str, AfterValidator(rules.check_host_pattern)]
    """A host name, or `*.example.com` for every name of one more label. Required."""

    certificate: ExistingFile
    """PEM file: the server's certificate first, then its intermediates. Required."""

    private_key: ExistingFile
    """PEM file with the key of that certificate. Required."""

    private_key_passphrase_file: ExistingFile | None = None
    """File whose first line is the passphrase of an encrypted key. Default: the key is not
    encrypted."""


class TLS(Section):
    """What the proxy shows to its clients."""

    certificate: ExistingFile
    """PEM file: the server's certificate first, then its intermediates. Required."""

    private_key: ExistingFile
    """PEM file with the key of that certificate. Required. Danger: who can read this file can
    pose as this server; keep it at mode 0600."""

    private_key_passphrase_file: ExistingFile | None = None
    """File whose first line is the passphrase of an encrypted key. Default: the key is not
    encrypted."""

    min_version: Literal["1.2", "1.3"] = "1.2"
    """The oldest TLS version that is spoken, `1.2` or `1.3`. Default: `1.2`."""

    server_names: Annotated[
        tuple[ServerName, ...],
        AfterValidator(rules.check_server_names),
        BeforeValidator(parse_sections, json_schema_input_type=list[ServerName]),
    ] = ()
    """More certificates for other host names. Default: none, every client gets the one above. All
    names share one `client_auth`."""
