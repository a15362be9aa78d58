"""The apps."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from proxy.config import rules
from proxy.config.addresses import ServerValue
from proxy.config.model.section import Files, Section, alone
from proxy.config.paths import ExistingFile
from proxy.config.units import (
    LONGEST_TIMEOUT,
    Count,
    Flag,
    Seconds,
    parse_count,
    parse_duration,
    parse_entries,
)

T = TypeVar("T")


class UpstreamTLS(Section):
    """How the proxy speaks to `https://` servers."""

    ca: Files = ()
    """PEM file, or list of files, with the CAs that may vouch for the servers, or with a server's
    own self-signed certificate. Default: the CAs of the system."""

    verify: Flag = True
    """`false` speaks to any server, whatever its certificate. Danger: whoever gets in between reads
    and changes everything, and poses as the proxy's clients. Default: `true`."""

    server_name: Annotated[str, AfterValidator(rules.check_server_name)] = ""
    """The name that the certificate has to be for, also sent as SNI unless it is an IP address.
    Default: the host of the server's URL."""

    certificate: ExistingFile | None = None
    """PEM file with a client certificate for the servers, then its intermediates. Default: none."""

    private_key: ExistingFile | None = Field(default=None, validate_default=True)
    """PEM file with the key of that certificate. Default: none."""

    private_key_passphrase_file: ExistingFile | None = None
    """File whose first line is the passphrase of an encrypted key. Default: the key is not
    encrypted."""

    @field_validator("private_key", mode="after")
    @classmethod
    def _with_certificate(cls, key: T, info: ValidationInfo) -> T:
        certificate = info.data.get("certificate", key)  # absent: it was refused, and is reported
        if (key is None) != (certificate is None):
            raise ValueError("certificate and private_key need each other; give both or neither")
        return key


class Retries(Section):
    """When another server is asked.

    A request that reached no server may always go to the next one. One that was sent, and met an
    error or a timeout in place of a response, only if it has no content and its method is GET,
    HEAD, OPTIONS, PUT or DELETE.
    """

    tries: Count = 0
    """How many servers are asked for one request, the first included; 0 = each one once.
    Default: 0."""

    timeout: Annotated[
        float,
        Field(ge=0, le=LONGEST_TIMEOUT),
        BeforeValidator(parse_duration, json_schema_input_type=float | str),
    ] = 0.0
    """After this time no further server is asked; 0 = no limit. Default: 0."""


class Health(Section):
    """When a server is taken to be down, judged by how the requests to it go.

    While all are down, all are asked all the same, and the first answer brings its server back.
    """

    max_fails: Count = 1
    """So many failures within `fail_timeout` take a server out for that time; then single requests
    try it until one succeeds. 0 = never. Default: 1."""

    fail_timeout: Seconds = 10.0
    """For how long failures are counted, and a server is out. Default: 10s."""


class UpstreamServer(Section):
    """One server of an app. A URL alone is the same as `{url: …}`."""

    url: ServerValue
    """`http://host:port`, `https://host:port` or `unix:/path`. A name is looked up at each new
    connection. Required."""

    weight: Annotated[int, Field(ge=1, le=1000), BeforeValidator(parse_count)] = 1
    """Its share of the requests, 1 to 1000, compared with the others' weights. Default: 1."""

    backup: Flag = False
    """`true`: is asked only when none of the other servers is fit. Default: `false`."""

    max_conns: Count = 0
    """Most requests that it gets at one time; 0 = no limit. Default: 0."""


class Upstream(Section):
    """An app: one server or several."""

    servers: Annotated[
        tuple[Annotated[UpstreamServer, alone("url")], ...],
        Field(min_length=1),
        AfterValidator(rules.check_servers),
        BeforeValidator(
            parse_entries, json_schema_input_type=str | int | list[str | int | UpstreamServer]
        ),
    ]
    """The URL of a server, or a list of URLs and `{url: …}`. Required."""

    balance: Annotated[
        Literal["round_robin", "least_conn", "ip_hash", "random_two"],
        AfterValidator(rules.check_balance),
        BeforeValidator(rules.refuse_hash),
    ] = "round_robin"
    """Which server is next: `round_robin` (in turn, by weight), `least_conn` (the one with the
    fewest requests under way for its weight), `ip_hash` (the same one for a client's address, for
    IPv4 its first three octets) or `random_two` (the less busy of two drawn by lot).
    Default: `round_robin`."""

    retries: Retries = Retries()
    """When another server is asked."""

    health: Health = Health()
    """When a server is taken to be down."""

    tls: UpstreamTLS = UpstreamTLS()
    """How the proxy speaks to `https://` servers."""
