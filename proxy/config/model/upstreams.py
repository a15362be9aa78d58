"""The apps."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from proxy.config import rules
from proxy.config.model.section import Files, Section, alone
from proxy.config.model.values import Count, Flag, Seconds, ServerValue, Size, Statuses
from proxy.config.paths import ExistingFile, WritableFolder
from proxy.config.units import LONGEST_TIMEOUT, parse_count, parse_duration, parse_entries

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

    One that was sent and may have been acted on is sent again only if its method is GET, HEAD,
    OPTIONS, PUT or DELETE, and its content, if there is any, was kept (`buffering.requests`).
    """

    conditions: Annotated[
        tuple[
            Literal[
                "error",
                "timeout",
                "invalid_header",
                "http_500",
                "http_502",
                "http_503",
                "http_504",
                "http_403",
                "http_404",
                "http_429",
                "non_idempotent",
            ],
            ...,
        ],
        BeforeValidator(parse_entries, json_schema_input_type=str | list[str]),
    ] = ("error", "timeout")
    """What has to happen, in the words of nginx's `proxy_next_upstream`: `error` (no connection, or
    one that ends before the response), `timeout`, `invalid_header` (what came is no HTTP),
    `http_503` and others (a response with this status; the last server's is passed on);
    `non_idempotent` also sends a POST again. `[]` for never. Danger: with `non_idempotent` an order
    may be placed twice. Default: `[error, timeout]`."""

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
    """When a server is taken to be down.

    Always by how the requests to it go (`max_fails`): while all are down, all are asked all the
    same, and the first answer brings its server back. With a `path` also by probes: a server that
    fails them gets no request, and if none is left, requests are answered with 503 at once.
    """

    max_fails: Count = 1
    """So many failures within `fail_timeout` take a server out for that time; then single requests
    try it until one succeeds. 0 = never. Default: 1."""

    fail_timeout: Seconds = 10.0
    """For how long failures are counted, and a server is out. Default: 10s."""

    path: Annotated[str, AfterValidator(rules.check_probe_path)] = ""
    """Each server is asked for this path regularly (GET, over a connection of its own, without
    identity headers), e.g. `/healthz`. Default: no probes."""

    host: Annotated[str, AfterValidator(rules.check_probe_host)] = ""
    """The Host field of probes. Default: the server's address, `localhost` for Unix sockets."""

    interval: Annotated[
        float,
        Field(ge=0.1, le=LONGEST_TIMEOUT),
        BeforeValidator(parse_duration, json_schema_input_type=float | str),
    ] = 5.0
    """From one probe of a server to the next, a tenth more or less. Default: 5s."""

    timeout: Seconds = 2.0
    """For a whole probe, from the connection to the last byte of the response. Default: 2s."""

    fails: Annotated[int, Field(ge=1), BeforeValidator(parse_count)] = 3
    """So many failed probes in a row take a server out. At the start one is enough. Default: 3."""

    passes: Annotated[int, Field(ge=1), BeforeValidator(parse_count)] = 2
    """So many good probes in a row bring it back. Default: 2."""

    status: Annotated[
        tuple[Statuses, ...],
        Field(min_length=1),
        BeforeValidator(parse_entries, json_schema_input_type=str | int | list[str | int]),
    ] = ("200-399",)
    """The status codes of a good probe: `204`, `200-399`, or a list of such. Redirects are not
    followed. Default: `200-399`."""


class Buffering(Section):
    """What is stored before it is passed on. Responses never are: they stream."""

    requests: Flag = False
    """`true`: a request's content is read completely before a server is asked. So slow clients
    keep no server waiting, and a request that reached no server goes to the next one with its
    content. Needs `limits.body`. Default: `false`, content streams."""

    memory: Size = 64 * 1024
    """Most bytes of one request's content in memory; more goes to a file that has no name, so that
    it is gone with the process. Bytes, or with KiB, MiB, GiB. Default: 64KiB."""

    folder: WritableFolder | None = None
    """Where such files are. Default: `$TMPDIR`, or `/tmp`."""


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
        str,
        AfterValidator(rules.check_balance),
        WithJsonSchema(
            {"anyOf": [{"enum": list(rules.BALANCES)}, {"type": "string", "pattern": r"^hash:\$"}]}
        ),
    ] = "round_robin"
    """Which server is next: `round_robin` (in turn, by weight), `least_conn` (the one with the
    fewest requests under way for its weight), `ip_hash` (the same one for a client's address, for
    IPv4 its first three octets), `hash:$variable` (the same one for a value, e.g.
    `hash:$request_uri` or `hash:$ssl_client_s_dn`; the variables are those that a header toward the
    app may hold, but the time) or `random_two` (the less busy of two drawn by lot).
    Default: `round_robin`."""

    retries: Retries = Retries()
    """When another server is asked."""

    health: Health = Health()
    """When a server is taken to be down."""

    tls: UpstreamTLS = UpstreamTLS()
    """How the proxy speaks to `https://` servers."""

    buffering: Buffering = Buffering()
    """What is stored before it is passed on."""
