"""Which requests go where."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator

from proxy.config import rules
from proxy.config.model.bounds import RouteLimits
from proxy.config.model.section import ONE_OR_MANY, Section
from proxy.config.paths import ExistingFolder


class Route(Section):
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

    static: ExistingFolder | None = None
    """A folder whose files are served, in place of an app. What follows the route's `path` is
    looked up in it: with `{path: /static/, static: ./public}`, `/static/a.css` is `public/a.css`.
    Danger: who is let in can read every file in it whose name does not begin with a dot.
    Default: none."""

    index: Annotated[tuple[str, ...], AfterValidator(rules.check_index), ONE_OR_MANY] = (
        "index.html",
    )
    """The file that stands for its folder, with `static`; of several the first that is there. A
    folder without one is answered with 403: nothing is ever listed. Default: `index.html`."""

    access: Annotated[
        Literal["verified", "optional", "public"], BeforeValidator(rules.refuse_access_rules)
    ] = "verified"
    """Who is let in: `verified` (a good certificate), `optional` (everyone; the app is told the
    outcome) or `public` (everyone). Danger: only `verified` keeps strangers out.
    Default: `verified`."""

    limits: RouteLimits = RouteLimits()
    """Bounds of this route."""
