"""What people write out of habit, and YAML's guesses: each is refused with what to write instead.

A bare word, number or time stands in the file as it is; no key reads one as something else than it
says. So ``access_log: on`` is no file of that name, and ``22:30`` no number of minutes.
"""

from __future__ import annotations

import pytest

from proxy.config.load import parse
from proxy.errors import ConfigError
from tests.unit.config.configs import CORPUS, with_line

SIZE = "is not a size; write bytes, or e.g. 10MiB"
SIZE_UNITS = "the units are KiB, MiB and GiB; write e.g."
BYTE_RATE = "is not a number of bytes per second; write e.g. 240 or 1KiB"
SPAN = "is not a time span; write seconds, or e.g. 10s, 5m, 1h"
SPAN_UNITS = "the units are ms, s, m, h and d; write e.g."
RATE = "is not a rate; write e.g. 20/s, 600/m, 1000/h"
RATE_UNITS = "the units are s, m and h; write e.g."
LOG = "name a file, - for the standard output, or off"
FILE = "name a file, or remove the key for none"
HOST = "write a host name such as app.example.com, or remove the key"


def told(line: str) -> list[str]:
    """Return what is said about one more line, without place and key."""
    with pytest.raises(ConfigError) as caught:
        parse(with_line(line), "gate.yaml", CORPUS, {})
    assert all(problem.where == "gate.yaml:4" for problem in caught.value.problems)
    return [problem.message for problem in caught.value.problems]


# Sizes, time spans and rates. -----------------------------------------------------------------

SIZES = ("limits: {head: @}", "limits: {body: @}", "routes: [{limits: {body: @}}]")
SPANS = (
    *(f"timeouts: {{{key}: @}}" for key in ("handshake", "head", "body", "send", "keepalive")),
    *(f"timeouts: {{{key}: @}}" for key in ("connect", "response", "tunnel", "shutdown")),
)
RATES = (
    "limits: {requests: [{per: address, rate: @}]}",
    "routes: [{limits: {requests: [{per: route, rate: @}]}}]",
)


@pytest.mark.parametrize("key", SIZES)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("10m", f"“10m”: {SIZE_UNITS} 10MiB"),
        ("10MB", f"“10MB”: {SIZE_UNITS} 10MiB"),
        ("64k", f"“64k”: {SIZE_UNITS} 64KiB"),
        ("64Kb", f"“64Kb”: {SIZE_UNITS} 64KiB"),
        ("2 Gi", f"“2 Gi”: {SIZE_UNITS} 2GiB"),
        ("10s", f"“10s” {SIZE}"),
        ("5min", f"“5min” {SIZE}"),
        ("20/s", f"“20/s” {SIZE}"),
        ("1.5MiB", f"“1.5MiB” {SIZE}"),
        ("1e3", f"“1e3” {SIZE}"),
        ("1_000", f"“1_000” {SIZE}"),
        ("off", f"“off” {SIZE}"),
        ("[]", "expects a size; write bytes, or e.g. 10MiB"),
    ],
)
def test_a_size_that_is_none_is_told_in_sizes(key: str, value: str, message: str):
    assert told(key.replace("@", value)) == [message]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("240/s", f"“240/s” {BYTE_RATE}"),
        ("10s", f"“10s” {BYTE_RATE}"),
        ("1k", f"“1k”: {SIZE_UNITS} 1KiB"),
        ("{}", f"expects {BYTE_RATE.removeprefix('is not ')}"),
    ],
)
def test_the_least_rate_of_a_client_is_told_in_bytes_per_second(value: str, message: str):
    assert told(f"limits: {{min_rate: {value}}}") == [message]


@pytest.mark.parametrize("key", SPANS)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("5min", f"“5min”: {SPAN_UNITS} 5m"),
        ("30 seconds", f"“30 seconds”: {SPAN_UNITS} 30s"),
        ("1 hour", f"“1 hour”: {SPAN_UNITS} 1h"),
        ("250msec", f"“250msec”: {SPAN_UNITS} 250ms"),
        ("5M", f"“5M”: {SPAN_UNITS} 5m"),
        ("10MiB", f"“10MiB” {SPAN}"),
        ("10k", f"“10k” {SPAN}"),
        ("2w", f"“2w” {SPAN}"),
        ("20/s", f"“20/s” {SPAN}"),
        ("1:30", f"“1:30” {SPAN}"),
        ("010", f"“010” {SPAN}"),
        (".inf", f"“.inf” {SPAN}"),
        ("off", f"“off” {SPAN}"),
        ("[]", "expects a time span; write seconds, or e.g. 10s, 5m, 1h"),
        ("0.0001", "has to be at least 1ms"),
        ("400d", "may be at most 365d"),
    ],
)
def test_a_time_span_that_is_none_is_told_in_time_spans(key: str, value: str, message: str):
    assert told(key.replace("@", value)) == [message]


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        ("head", "0 is not “no limit” here: write a long time, e.g. 1d"),
        ("keepalive", "to close after each response write 1ms"),
    ],
)
@pytest.mark.parametrize("value", ["0", "0s"])
def test_a_timeout_of_nothing_is_not_taken_for_no_limit(key: str, advice: str, value: str):
    message = f"has to be at least 1ms; {advice}"
    assert told(f"timeouts: {{{key}: {value}}}") == [message]


@pytest.mark.parametrize("key", RATES)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("20", f"“20” {RATE}"),
        ("20r/s", f"“20r/s” {RATE}"),
        ("10s", f"“10s” {RATE}"),
        ("10MiB", f"“10MiB” {RATE}"),
        ("20/min", f"“20/min”: {RATE_UNITS} 20/m"),
        ("20/second", f"“20/second”: {RATE_UNITS} 20/s"),
        ("20/H", f"“20/H”: {RATE_UNITS} 20/h"),
        ("20/d", f"“20/d”: {RATE_UNITS} 20/s"),
        ("0/s", "“0/s”: the number has to be from 1 to 1000000"),
        ("[]", "expects a rate; write e.g. 20/s, 600/m, 1000/h"),
    ],
)
def test_a_rate_that_is_none_is_told_in_rates(key: str, value: str, message: str):
    assert told(key.replace("@", value)) == [message]


# Switches where a name is wanted. -------------------------------------------------------------


@pytest.mark.parametrize(
    "word",
    ["on", "On", "ON", "yes", "no", "true", "True", "false", "Off", "none", "stdout", "stderr"],
)
@pytest.mark.parametrize("key", ["access_log: @", "access_log: {path: @}"])
def test_a_log_is_not_a_switch(key: str, word: str):
    """Each would be a file of that name beside the configuration; ``off`` alone is a word."""
    assert told(key.replace("@", word)) == [f"“{word}”: {LOG}"]


def test_nginx_s_way_to_syslog_is_no_file():
    assert told("access_log: syslog:server=10.0.0.1") == [f"“syslog:server=10.0.0.1”: {LOG}"]


@pytest.mark.parametrize("written", ["off", '"off"', "./on", "on.log"])
def test_what_a_log_may_be(written: str):
    assert parse(with_line(f"access_log: {written}"), "gate.yaml", CORPUS, {})


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "true", "No", "FALSE"])
@pytest.mark.parametrize(
    ("key", "advice"),
    [
        ("pid_file: @", FILE),
        ("routes: [{host: @}]", HOST),
        (
            "routes: [{static: good, index: @}]",
            "write the name of a file such as index.html, or remove the key",
        ),
    ],
)
def test_a_switch_is_not_a_name(key: str, advice: str, word: str):
    assert told(key.replace("@", word)) == [f"“{word}”: {advice}"]


@pytest.mark.parametrize("word", ["on", "no"])
@pytest.mark.parametrize(
    ("key", "advice"),
    [
        (
            "upstreams: {a: {servers: 1, tls: {server_name: @}}}",
            "write the name in the server's certificate",
        ),
        (
            "upstreams: {a: {servers: 1, health: {host: @}}}",
            "write a host such as app.example.com, or remove the key",
        ),
    ],
)
def test_nor_is_it_one_of_an_app(key: str, advice: str, word: str):
    assert f"“{word}”: {advice}" in told(key.replace("@", word))


# Numbers, times and words, as YAML 1.1 would read them. ---------------------------------------


@pytest.mark.parametrize(
    ("line", "messages"),
    [
        ("listen: 08", ["“08” is not a port; ports are 0 to 65535"]),
        ("listen: 127.0.0.1:08443", ["“08443” is not a port; ports are 0 to 65535"]),
        ("listen: 10:30", ["“10” is neither a host name nor an IPv4 address"]),
        ("listen: 1.5", ["“1.5” has no port; write 0.0.0.0:8443, [::]:8443, :8443 or 8443"]),
        (
            "listen: {address: 1, redirect_to_port: 08}",
            ["“08”: write the number without leading zeros"],
        ),
        ("listen: {address: 1, proxy_protocol: on}", ["“on”: write true or false"]),
        ("listen: {address: 1, proxy_protocol: 1}", ["“1”: write true or false"]),
        ("intercept_errors: yes", ["“yes”: write true or false"]),
        ("workers: 02", ["more than one worker, and auto, are not in this version; write 1"]),
        ("routes: [{respond: 0x1F4}]", ["“0x1F4” is not a whole number"]),
        ("routes: [{respond: 200.0}]", ["“200.0” is not a whole number"]),
        ("routes: [{access: no}]", ["“no” is none of verified, optional, public"]),
        ("routes: [{access: true}]", ["“true” is none of verified, optional, public"]),
        ("routes: [{host: 1.20}]", ["“1.20” is neither a host name nor an IPv4 address"]),
        ("routes: [{path: 22}]", ["“22” does not begin with /"]),
        (
            "routes: [{rewrite: on}]",
            ["expects keys of its own; the keys here are location, cookies, cookie_domains"],
        ),
        (
            "identity_headers: off",
            ["“off” is none of x-ssl-client, client-cert, xfcc; write [] for none of them"],
        ),
        (
            "trusted_proxies: no",
            ["“no” is not a network; write 10.0.0.0/8, 192.0.2.1, 2001:db8::/32 or unix:"],
        ),
        (
            "error_pages: {0404: page.html}",
            ["“0404”: write a status code such as 404, or 4xx or 5xx"],
        ),
    ],
)
def test_what_yaml_would_guess_is_refused_as_it_is_written(line: str, messages: list[str]):
    assert told(line) == messages


def test_header_values_and_bodies_are_any_text():
    line = 'response_headers: {set: {X-A: on, X-B: 010, X-C: 1:30, X-D: no, X-E: "true"}}'
    headers = parse(with_line(line), "gate.yaml", CORPUS, {}).config.response_headers
    assert headers.set == {"X-A": "on", "X-B": "010", "X-C": "1:30", "X-D": "no", "X-E": "true"}
