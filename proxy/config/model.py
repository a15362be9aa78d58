"""The schema of the configuration: every key with its meaning, default, unit and danger.

The texts under the fields are the user's documentation: ``certgate schema``, editors and
``docs/configuration.md`` show them. A key that stands in the contract but is not built yet is
refused by name (see ``later.py``), never accepted and ignored.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from proxy.config import rules
from proxy.config.addresses import Address, AddressValue, ServerValue
from proxy.config.paths import ExistingFile, LogTarget, WritableFile
from proxy.config.units import (
    LONGEST_TIMEOUT,
    Count,
    Flag,
    Seconds,
    Size,
    parse_count,
    parse_duration,
    parse_entries,
)

T = TypeVar("T")


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", use_attribute_docstrings=True
    )


def _address_alone(value: object) -> object:
    return value if isinstance(value, dict | BaseModel) else {"address": value}


def _url_alone(value: object) -> object:
    return value if isinstance(value, dict | BaseModel) else {"url": value}


def _path_alone(value: object) -> object:
    return value if isinstance(value, dict | BaseModel) else {"path": value}


_one_or_many = BeforeValidator(parse_entries, json_schema_input_type=str | list[str])
Files = Annotated[tuple[ExistingFile, ...], _one_or_many]
SomeFiles = Annotated[tuple[ExistingFile, ...], Field(min_length=1), _one_or_many]


class Listener(_Section):
    """One socket on which the proxy accepts TLS connections."""

    address: AddressValue
    """`host:port`, `[v6]:port`, `:port` or a bare port (the last two: every address of the
    machine). Port 0 lets the system choose. Required."""


class ServerName(_Section):
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


class TLS(_Section):
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
        BeforeValidator(parse_entries, json_schema_input_type=list[ServerName]),
    ] = ()
    """More certificates for other host names. Default: none, every client gets the one above. All
    names share one `client_auth`."""


class ClientAuth(_Section):
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


class Limits(_Section):
    """Bounds that keep one client from using up the machine."""

    head: Size = 32 * 1024
    """Most bytes of a request's or response's head. Bytes, or with KiB, MiB, GiB; 0 = no limit.
    Danger: without a limit one client can fill the memory. Default: 32KiB."""

    fields: Count = 100
    """Most header fields in a head; 0 = no limit. Default: 100."""

    body: Size = 0
    """Most bytes of a request's body; more is answered with 413. Bytes, or with KiB, MiB, GiB;
    0 = no limit. Default: 0."""

    connections: Count = 0
    """Most client connections at one time; 0 = no limit. Default: 0."""


class Timeouts(_Section):
    """How long the proxy waits. Seconds, or with a unit: `500ms`, `10s`, `5m`, `1h`, `1d`."""

    handshake: Seconds = 10.0
    """For the whole TLS handshake. Default: 10s."""

    head: Seconds = 15.0
    """For the whole head of a request. Default: 15s."""

    body: Seconds = 60.0
    """Between two reads of a request's body. Default: 60s."""

    send: Seconds = 60.0
    """Between two writes to the client. Default: 60s."""

    keepalive: Seconds = 75.0
    """For the next request on an open connection. Default: 75s."""

    connect: Seconds = 5.0
    """For a connection to the app. Default: 5s."""

    response: Seconds = 60.0
    """For the next byte from the app, in head or body. Default: 60s."""

    tunnel: Seconds = 3600.0
    """For the next byte in either direction of an upgraded connection (WebSocket) or an event
    stream. Default: 1h."""

    shutdown: Seconds = 30.0
    """For requests under way when the proxy stops or reloads. Default: 30s."""


class AccessLog(_Section):
    """One line for each request."""

    path: LogTarget = "-"
    """A file, `-` for the standard output, or `off`. Default: `-`."""

    format: Annotated[str, AfterValidator(rules.check_log_format)] = "combined"
    """`combined` (as nginx and Apache write it, with the certificate's subject and the decision),
    `json`, or a template with nginx's variable names such as `$remote_addr "$request" $status`.
    Default: `combined`."""


class UpstreamTLS(_Section):
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


class Retries(_Section):
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


class Health(_Section):
    """When a server is taken to be down, judged by how the requests to it go.

    While all are down, requests are answered with 503 at once. An upstream's only server is always
    asked.
    """

    max_fails: Count = 1
    """So many failures within `fail_timeout` take a server out for that time; then single requests
    try it until one succeeds. 0 = never. Default: 1."""

    fail_timeout: Seconds = 10.0
    """For how long failures are counted, and a server is out. Default: 10s."""


class UpstreamServer(_Section):
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


class Upstream(_Section):
    """An app: one server or several."""

    servers: Annotated[
        tuple[Annotated[UpstreamServer, BeforeValidator(_url_alone)], ...],
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


class Route(_Section):
    """Which requests go to which app, and who may send them.

    Of the routes that match, the one with the most specific host counts, then the one with the
    longest path. A request that no route matches is answered with 404.
    """

    host: Annotated[str, AfterValidator(rules.check_route_host)] = ""
    """A host name, or `*.example.com` for every name of one more label. Default: every host."""

    path: Annotated[str, AfterValidator(rules.check_route_path)] = "/"
    """The start of the path, in whole segments and without percent-encoding: `/admin` (which is
    the same as `/admin/`) takes `/admin`, `/admin/` and `/admin/x`, not `/admin-x`.
    Default: `/`."""

    upstream: str = ""
    """The name of one of `upstreams`. Default: the only one there is."""

    access: Annotated[
        Literal["verified", "optional", "public"], BeforeValidator(rules.refuse_access_rules)
    ] = "verified"
    """Who is let in: `verified` (a good certificate), `optional` (everyone; the app is told the
    outcome) or `public` (everyone). Danger: only `verified` keeps strangers out.
    Default: `verified`."""


class Config(_Section):
    """A configuration that can be used: complete, checked, with absolute file names."""

    workers: Annotated[Literal[1], BeforeValidator(rules.parse_workers)] = 1
    """Number of processes. Only `1` in this version. Default: `1`."""

    listen: Annotated[
        tuple[Annotated[Listener, BeforeValidator(_address_alone)], ...],
        Field(min_length=1),
        AfterValidator(rules.check_listeners),
        BeforeValidator(parse_entries, json_schema_input_type=str | int | list[str | Listener]),
    ] = (Listener(address=Address("0.0.0.0", 8443)),)  # noqa: S104 - clients are outside
    """Where the proxy listens: an address, or a list of `{address: …}`.
    Default: `0.0.0.0:8443`."""

    tls: TLS
    """What the proxy shows to its clients. Required."""

    client_auth: ClientAuth
    """Whom the proxy lets in. Required."""

    identity_headers: Annotated[
        tuple[Literal["x-ssl-client", "client-cert", "xfcc"], ...],
        AfterValidator(rules.check_identity_headers),
        BeforeValidator(parse_entries, json_schema_input_type=list[str]),
    ] = ("x-ssl-client", "client-cert")
    """How the app is told who the client is: `x-ssl-client` (nginx's names), `client-cert`
    (RFC 9440), `xfcc` (Envoy's X-Forwarded-Client-Cert); `[]` for not at all. A client's own
    headers of all three families are always removed. Default: `[x-ssl-client, client-cert]`."""

    limits: Limits = Limits()
    """Bounds that keep one client from using up the machine."""

    timeouts: Timeouts = Timeouts()
    """How long the proxy waits."""

    access_log: Annotated[
        AccessLog, BeforeValidator(_path_alone, json_schema_input_type=str | AccessLog)
    ] = AccessLog()
    """One line for each request."""

    upstream: ServerValue | None = None
    """Short form for one app: `http://host:port`, `https://host:port`, `unix:/path`, `host:port` or
    a port of this machine. It is the same as `upstreams: {app: {servers: [...]}}`. Either this or
    `upstreams` is required. Danger: an app that is reachable past the proxy is not protected; let
    it listen on 127.0.0.1."""

    upstreams: dict[Annotated[str, AfterValidator(rules.check_upstream_name)], Upstream] = Field(
        default={}, validate_default=True
    )
    """The apps, by name: `{app: {servers: [http://127.0.0.1:3000]}}`."""

    routes: Annotated[
        tuple[Route, ...],
        Field(min_length=1),
        BeforeValidator(parse_entries, json_schema_input_type=list[Route]),
    ] = Field(default=(Route(),), validate_default=True)
    """Which requests go to which app. Default: all to the only app, with `verified` access."""

    pid_file: WritableFile | None = None
    """File for the process number, which `certgate reload` and `certgate stop` read.
    Default: none."""

    @field_validator("upstreams", mode="after")
    @classmethod
    def _one_form(cls, upstreams: dict[str, Upstream], info: ValidationInfo) -> dict[str, Upstream]:
        server = info.data.get("upstream")
        if server is not None:
            short_form = {"app": Upstream(servers=(UpstreamServer(url=server),))}
            if upstreams not in ({}, short_form):
                raise ValueError("upstream is given as well; keep one of the two")
            return short_form
        if not upstreams and "upstream" in info.data:  # else it was refused, and is reported
            raise ValueError("there is no app; write upstream: http://host:port, or upstreams")
        return upstreams

    @field_validator("routes", mode="after")
    @classmethod
    def _settle_routes(cls, routes: tuple[Route, ...], info: ValidationInfo) -> tuple[Route, ...]:
        upstreams = info.data.get("upstreams")
        if not upstreams:  # refused themselves, and reported
            return routes
        return rules.settle_routes(routes, upstreams, info.data.get("client_auth"))
