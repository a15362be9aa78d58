"""Which requests go where."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from proxy.config import route_rules, rules
from proxy.config.addresses import parse_host
from proxy.config.model.answers import ErrorPages, Redirect, Respond
from proxy.config.model.bounds import RouteLimits
from proxy.config.model.headers import RequestHeaders, ResponseHeaders
from proxy.config.model.section import ONE_OR_MANY, Section, alone
from proxy.config.model.values import Flag
from proxy.config.paths import ExistingFolder

_FIRST_ERROR = 400

Domain = Annotated[str, AfterValidator(parse_host)]


class Rewrite(Section):
    """How the app's own paths and hosts are put into the clients' words, in its responses."""

    location: Flag | None = None
    """Rewrites `Location`, `Content-Location` and `Refresh` that name a server of the upstream, the
    `Host` that was sent, or a path under `upstream_path`. Default: `true` where `upstream_path` is
    given, else `false`."""

    cookies: Flag | None = None
    """Rewrites the `Path` of cookies, if it is under `upstream_path`. Default: as `location`."""

    cookie_domains: dict[Domain, Domain] = Field(default={})
    """The `Domain` of cookies, the app's to the clients': `{app.internal: app.example.com}`.
    Default: none is changed."""


class Route(Section):
    """Which requests go to which app, and who may send them.

    Of the routes that match, the one with the most specific host counts, then the one with the
    longest path. A request that no route matches is answered with 404.
    """

    host: Annotated[str, AfterValidator(rules.check_route_host)] = ""
    """A host name, or `*.example.com` for every name of one more label. Default: every host."""

    path: Annotated[str, AfterValidator(route_rules.check_route_path)] = "/"
    """The start of the path, in whole segments and without percent-encoding: `/admin` (which is
    the same as `/admin/`) takes `/admin`, `/admin/` and `/admin/x`, not `/admin-x`.
    Default: `/`."""

    upstream: str = ""
    """The name of one of `upstreams`. Default: the only one there is."""

    upstream_path: Annotated[str, AfterValidator(route_rules.check_upstream_path)] | None = None
    """What takes the place of `path` in the requests to the app: with `path: /app/` and
    `upstream_path: /`, the app gets `/x` for `/app/x`. Where another route asks more of a client
    that wants the same path of the app, its `access` counts as well. Default: the app gets the path
    as the client wrote it."""

    rewrite: Rewrite = Rewrite()
    """How the app's own paths and hosts are put into the clients' words."""

    respond: Annotated[Respond, alone("status", str | int | Respond)] | None = None
    """A fixed response in place of an app; a status code alone is the same as `{status: …}`.
    Default: the app answers."""

    redirect: Annotated[Redirect, alone("to", str | Redirect)] | None = None
    """A redirect in place of an app. Default: the app answers."""

    static: ExistingFolder | None = None
    """A folder whose files are served, in place of an app. What follows the route's `path` is
    looked up in it: with `{path: /static/, static: ./public}`, `/static/a.css` is `public/a.css`.
    Danger: who is let in can read every file in it whose name does not begin with a dot.
    Default: none."""

    index: Annotated[tuple[str, ...], AfterValidator(route_rules.check_index), ONE_OR_MANY] = (
        "index.html",
    )
    """The file that stands for its folder, with `static`; of several the first that is there. A
    folder without one is answered with 403: nothing is ever listed. Default: `index.html`."""

    access: Annotated[
        Literal["verified", "optional", "public"], BeforeValidator(route_rules.refuse_access_rules)
    ] = "verified"
    """Who is let in: `verified` (a good certificate), `optional` (everyone; the app is told the
    outcome) or `public` (everyone). Danger: only `verified` keeps strangers out.
    Default: `verified`."""

    limits: RouteLimits = RouteLimits()
    """Bounds of this route."""

    request_headers: RequestHeaders = RequestHeaders()
    """Header fields of requests to the app; they go before the rules for all routes."""

    response_headers: ResponseHeaders = ResponseHeaders()
    """Header fields of responses to the client; they go before the rules for all routes."""

    error_pages: ErrorPages = Field(default={})
    """As `error_pages` for all routes; these go before those. Default: none."""

    intercept_errors: Flag | None = None
    """As `intercept_errors` for all routes. Default: what stands there."""

    @property
    def is_closed(self) -> bool:
        """Nobody gets anything there but an error: other access than that of any open route."""
        return self.respond is not None and self.respond.status >= _FIRST_ERROR
