"""The configuration as a whole."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from proxy.config import route_rules, rules, static_files
from proxy.config.entrance import DEFAULT_ADDRESS
from proxy.config.model.access_log import AccessLog
from proxy.config.model.answers import ErrorPages
from proxy.config.model.bounds import Limits, Timeouts
from proxy.config.model.client_auth import ClientAuth
from proxy.config.model.headers import RequestHeaders, ResponseHeaders
from proxy.config.model.listening import TLS, Listener
from proxy.config.model.routes import Route
from proxy.config.model.section import Section, alone
from proxy.config.model.upstreams import Upstream, UpstreamServer
from proxy.config.model.values import Flag, NetworkValue, ServerValue
from proxy.config.paths import WritableFile
from proxy.config.units import parse_entries, parse_sections


class Config(Section):
    """A configuration that can be used: complete, checked, with absolute file names."""

    workers: Annotated[Literal[1], BeforeValidator(rules.parse_workers)] = 1
    """Number of processes. Only `1` in this version. Default: `1`."""

    listen: Annotated[
        tuple[Annotated[Listener, alone("address")], ...],
        Field(min_length=1),
        AfterValidator(rules.check_listeners),
        BeforeValidator(parse_entries, json_schema_input_type=str | int | list[str | Listener]),
    ] = (Listener(address=DEFAULT_ADDRESS),)
    """Where the proxy listens: an address, or a list of addresses and `{address: …}`.
    Default: `0.0.0.0:8443`."""

    trusted_proxies: Annotated[
        tuple[NetworkValue, ...],
        AfterValidator(rules.check_trusted_proxies),
        BeforeValidator(parse_entries, json_schema_input_type=str | list[str]),
    ] = Field(default=(), validate_default=True)
    """The proxies and load balancers in front of this one: addresses, networks such as
    `10.0.0.0/8`, and `unix:` for peers on Unix sockets. From them `X-Forwarded-*`, `Forwarded` and
    `X-Request-ID` are taken over, the client's address is found in `X-Forwarded-For`, and PROXY
    protocol headers count. Danger: whoever has such an address chooses what the app and the log
    take for the client's. Default: none; what clients send under these names is removed."""

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

    access_log: Annotated[AccessLog, alone("path", str | AccessLog)] = AccessLog()
    """One line for each request."""

    upstream: ServerValue | None = None
    """Short form for one app: `http://host:port`, `https://host:port`, `unix:/path`, `host:port` or
    a port of this machine. It is the same as `upstreams: {app: {servers: [...]}}`. Either this or
    `upstreams` is required, unless no route leads to an app. Danger: an app that is reachable past
    the proxy is not protected; let it listen on 127.0.0.1."""

    upstreams: dict[Annotated[str, AfterValidator(rules.check_upstream_name)], Upstream] = Field(
        default={}, validate_default=True
    )
    """The apps, by name: `{app: {servers: [http://127.0.0.1:3000]}}`."""

    routes: Annotated[
        tuple[Route, ...],
        Field(min_length=1),
        BeforeValidator(parse_sections, json_schema_input_type=list[Route]),
    ] = Field(default=(Route(),), validate_default=True)
    """Which requests go to which app. Default: all to the only app, with `verified` access."""

    request_headers: RequestHeaders = RequestHeaders()
    """Header fields of requests to the apps, on every route."""

    response_headers: ResponseHeaders = ResponseHeaders()
    """Header fields of responses to the clients, on every route."""

    error_pages: ErrorPages = Field(default={})
    """HTML files for certgate's own error pages and refusals, by status code or class:
    `{404: errors/404.html, 5xx: errors/5xx.html}`. Who asks for JSON or text gets certgate's own.
    In a file, `$request_id`, `$status` and `$code` are replaced. Files are read at the start and at
    each reload. Default: certgate's own pages."""

    intercept_errors: Flag = False
    """`true`: an app's response with a status code that has an error page is replaced by it.
    Default: `false`."""

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
        return rules.check_stored(upstreams, info.data.get("limits"))

    @field_validator("routes", mode="after")
    @classmethod
    def _settle_routes(cls, routes: tuple[Route, ...], info: ValidationInfo) -> tuple[Route, ...]:
        static_files.check_folders(routes, info)
        upstreams = info.data.get("upstreams")
        if upstreams is None or "upstream" not in info.data:  # refused themselves, and reported
            return routes
        return route_rules.settle_routes(routes, upstreams, info.data.get("client_auth"))
