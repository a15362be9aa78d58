"""The schema of the configuration: every key with its meaning, default, unit and danger.

The texts under the fields are the user's documentation: ``certgate schema``, editors and
``docs/configuration.md`` show them. A key that stands in the contract but is not built yet is
refused by name (see ``later.py``), never accepted and ignored.
"""

from proxy.config.model.access_log import AccessLog
from proxy.config.model.answers import Redirect, Respond
from proxy.config.model.bounds import (
    ConnectionsPer,
    Limits,
    RequestLimit,
    RouteConnectionsPer,
    RouteLimits,
    RouteRequestLimit,
    Timeouts,
)
from proxy.config.model.client_auth import ClientAuth
from proxy.config.model.config import Config
from proxy.config.model.headers import RequestHeaders, ResponseHeaders
from proxy.config.model.listening import TLS, Listener, ServerName
from proxy.config.model.routes import Rewrite, Route
from proxy.config.model.upstreams import (
    Buffering,
    Health,
    Retries,
    Upstream,
    UpstreamServer,
    UpstreamTLS,
)

__all__ = [
    "TLS",
    "AccessLog",
    "Buffering",
    "ClientAuth",
    "Config",
    "ConnectionsPer",
    "Health",
    "Limits",
    "Listener",
    "Redirect",
    "RequestHeaders",
    "RequestLimit",
    "Respond",
    "ResponseHeaders",
    "Retries",
    "Rewrite",
    "Route",
    "RouteConnectionsPer",
    "RouteLimits",
    "RouteRequestLimit",
    "ServerName",
    "Timeouts",
    "Upstream",
    "UpstreamServer",
    "UpstreamTLS",
]
