"""The test ground: a real certgate process, a raw TLS client, a real nginx or HAProxy beside it."""

from tests.gate.browser import Browser
from tests.gate.client import TLS12, TLS13, VERSIONS, Client, Response, connect, context, head
from tests.gate.curl import curl
from tests.gate.haproxy import Haproxy
from tests.gate.nginx import Nginx, free_port
from tests.gate.output import Output
from tests.gate.process import ROOT, Gate, assert_no_lost_exception, child_environment, run
from tests.gate.settings import Bare, der, revoke, running_gate, settings, write
from tests.gate.tools import many_open_files, missing, require

__all__ = [
    "ROOT",
    "TLS12",
    "TLS13",
    "VERSIONS",
    "Bare",
    "Browser",
    "Client",
    "Gate",
    "Haproxy",
    "Nginx",
    "Output",
    "Response",
    "assert_no_lost_exception",
    "child_environment",
    "connect",
    "context",
    "curl",
    "der",
    "free_port",
    "head",
    "many_open_files",
    "missing",
    "require",
    "revoke",
    "run",
    "running_gate",
    "settings",
    "write",
]
