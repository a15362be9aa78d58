"""Warnings: what can be used but was hardly meant so."""

from __future__ import annotations

import pytest

from proxy.config.load import parse
from tests.unit.config.configs import CORPUS, LEAST

APP = "upstream: 3000"
CLIENT_AUTH = "client_auth: {ca: ca.crt}"


def warnings_of(text: str) -> list[str]:
    return [str(warning) for warning in parse(text, "g", CORPUS, {}).warnings]


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (LEAST + "limits: {head: 0}", "g:4: limits.head: without a limit one client can fill"),
        (
            LEAST + "routes: [{path: /}, {path: /a, access: optional, "
            "limits: {requests: {per: certificate, rate: 1/s}}}]",
            "g:4: routes[1].limits.requests: strangers have no certificate: nothing limits them",
        ),
        (
            LEAST + "routes: [{path: /, access: public}]",
            "g:4: routes: every route is public: the proxy keeps nobody out",
        ),
        (
            LEAST.replace(CLIENT_AUTH, "client_auth: {ca: ca.crt, crl: crl.pem, crl_check: off}"),
            "g:2: client_auth.crl: is never looked into: crl_check is off",
        ),
        (
            LEAST.replace(CLIENT_AUTH, "client_auth: {ca: ca.crt, crl: [], crl_check: leaf}"),
            "g:2: client_auth.crl_check: has no effect: there is no crl to look into",
        ),
        (
            LEAST.replace(APP, "upstreams: {app: {servers: http://a, tls: {ca: ca.crt}}}"),
            "g:3: upstreams.app.tls: has no effect: no server is spoken to over TLS (https://)",
        ),
        (
            LEAST.replace(APP, "upstreams: {app: {servers: https://a, tls: {verify: false}}}"),
            "g:3: upstreams.app.tls.verify: whoever gets in between can pose as the app",
        ),
        (
            LEAST + "trusted_proxies: [10.0.0.0/8, 0.0.0.0/0]",
            "g:4: trusted_proxies[1]: everybody is trusted",
        ),
        (
            LEAST + "listen: [8443, {address: ':80', redirect_to_port: 80}]",
            "g:4: listen[1].redirect_to_port: this port speaks plain HTTP",
        ),
        (
            LEAST + "routes: [{path: /}, {path: /docs, redirect: '/docs/?x'}]",
            "g:4: routes[1].redirect: /docs/ is a path of this route: a loop",
        ),
        (
            LEAST + "intercept_errors: true",
            "g:4: intercept_errors: has no effect: there are no error_pages",
        ),
        (
            LEAST + "routes: [{path: /admin}, {path: /p, upstream_path: /, access: public}]",
            "g:4: routes[1].upstream_path: leads to /admin of the app, too, for which routes[0]",
        ),
        (
            LEAST
            + "routes: [{path: /m, upstream_path: /a/b},"
            + " {path: /p, upstream_path: /a, access: public}]",
            "g:4: routes[1].upstream_path: leads to /a/b of the app, too, for which routes[0]",
        ),
        (
            LEAST + "routes: [{path: /app}, {path: /in, static: site/inner},"
            " {path: /, static: site, access: public}]",
            "g:4: routes[2].static: gives everybody the files of routes[1], which asks for more",
        ),
        (
            LEAST + "routes: [{path: /app}, {path: /inner, static: site/inner, host: a},"
            " {path: /, static: site, access: optional}]",
            "g:4: routes[2].static: gives everybody the files of routes[1], which asks for more",
        ),
    ],
)
def test_what_was_hardly_meant_is_pointed_out(text: str, warning: str):
    [found] = warnings_of(text)
    assert found.startswith(warning)


@pytest.mark.parametrize(
    "text",
    [
        LEAST,
        LEAST.replace(CLIENT_AUTH, "client_auth: {ca: ca.crt, crl_check: off}"),
        LEAST.replace(CLIENT_AUTH, "client_auth: {ca: ca.crt, crl: crl.pem, crl_check: chain}"),
        LEAST + "routes: [{path: /}, {path: /healthz, access: public}]",
        LEAST + "routes: [{path: /}, {path: /p, upstream_path: /public/, access: public}]",
        LEAST + "routes: [{path: /p, access: public}, {path: /v, upstream_path: /}]",
        LEAST + "routes: [{path: /app}, {path: /inner, static: site/inner},"
        " {path: /, static: site, access: public}]",
        LEAST + "routes: [{path: /app}, {path: /in, static: site/inner, access: public},"
        " {path: /, static: site}]",
        LEAST + "listen: [8443, {address: ':80', redirect_to_port: 8443}]",
        LEAST + "routes: [{path: /a, redirect: /a/b}, {path: /a/b/}]",
        LEAST + "routes: [{path: /a, redirect: /b}, {path: /c, redirect: '/c$arg_x'}, {path: /}]",
        LEAST + "routes: [{path: /a, redirect: /none}, {host: a.example, path: /}]",
    ],
)
def test_a_plain_configuration_has_no_warnings(text: str):
    assert warnings_of(text) == []
