"""Properties of the configuration: total, and a dumped one loads as itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.config.dump import dump
from proxy.config.load import parse
from proxy.config.model import Config
from proxy.errors import ConfigError, Problem
from proxy.routing.table import Route, RouteTable

CORPUS = Path(__file__).parents[1] / "corpus" / "config"
SEEDS = [path.read_text() for path in sorted(CORPUS.glob("*/*.yaml"))]
FILES = st.sampled_from(["ca.crt", "server.crt", "crl.pem", "./ca2.crt", "../config/ca.crt"])
NAMES = st.sampled_from(["a.test", "*.b.test", "c.example.com", "xn--mnchen-3ya.de", "10.0.0.1"])
NAMES_ALONE = st.sampled_from(["a.test", "127.0.0.1", "::1"])
PORTS = st.integers(1, 65535)
HOSTS = st.sampled_from(["127.0.0.1", "[::1]", "localhost", "app_1"])
ADDRESSES = st.builds("{}:{}".format, HOSTS | st.just(""), PORTS) | PORTS
SERVERS = (
    st.builds("{}://{}:{}".format, st.sampled_from(["http", "https"]), HOSTS, PORTS)
    | st.just("unix:/run/app.sock")
    | PORTS
)
SECONDS = st.sampled_from(["10s", "5m", "1h", "500ms", "0.25", 7, 0.1]) | st.floats(0.001, 1e6)
SIZES = st.sampled_from(["32KiB", "10MiB", "1GiB", 0, 512]) | st.integers(0, 2**40)
ACCESS = st.sampled_from(["verified", "optional", "public"])
PATHS = st.lists(st.sampled_from(["a", "B", "é", "x y", "${z}"]), max_size=3).map(
    lambda words: "/" + "/".join(words)
)


def some_of(keys: dict[str, st.SearchStrategy]) -> st.SearchStrategy:
    return st.fixed_dictionaries({}, optional=keys)


CERTIFICATE = {"certificate": FILES, "private_key": FILES}
SERVER_NAME = st.fixed_dictionaries({"name": NAMES, **CERTIFICATE})
TLS = st.fixed_dictionaries(
    CERTIFICATE,
    optional={
        "min_version": st.sampled_from(["1.2", "1.3"]),
        "private_key_passphrase_file": FILES,
        "server_names": st.lists(SERVER_NAME, max_size=2, unique_by=lambda entry: entry["name"]),
    },
)
CLIENT_AUTH = st.fixed_dictionaries(
    {"ca": FILES | st.lists(FILES, min_size=1, max_size=3)},
    optional={
        "crl": FILES | st.lists(FILES, max_size=2),
        "crl_check": st.sampled_from(["leaf", "chain", "off"]),
        "crl_stale": st.sampled_from(["refuse", "warn"]),
        "verify_depth": st.integers(0, 100),
        "status": st.integers(400, 499),
        "detail": st.sampled_from(["full", "short", "none"]),
    },
)
TIMEOUTS = some_of(dict.fromkeys(["handshake", "head", "body", "tunnel", "shutdown"], SECONDS))
LIMITS = some_of({"head": SIZES, "body": SIZES, "fields": st.integers(0, 10**9)})
LOG = some_of({"path": st.sampled_from(["-", "off", "a.log"]), "format": st.just("json")})
REST = {
    "tls": TLS,
    "client_auth": CLIENT_AUTH,
}
COMMON = {
    "listen": ADDRESSES | st.lists(ADDRESSES, min_size=1, max_size=3, unique_by=str),
    "limits": LIMITS,
    "timeouts": TIMEOUTS,
    "access_log": LOG,
    "identity_headers": st.lists(st.sampled_from(["x-ssl-client", "xfcc"]), unique=True),
    "pid_file": st.sampled_from(["gate.pid", "/tmp/${NOT_A_VARIABLE}.pid"]),
}
SHORT = st.fixed_dictionaries(REST | {"upstream": SERVERS}, optional=COMMON)
ROUTES = st.lists(
    st.fixed_dictionaries(
        {"path": PATHS, "upstream": st.sampled_from(["app", "b-2"])},
        optional={"host": NAMES, "access": ACCESS},
    ),
    min_size=1,
    max_size=6,
)
ENTRIES = st.fixed_dictionaries(
    {"url": SERVERS},
    optional={
        "weight": st.integers(1, 1000),
        "backup": st.just(value=False),
        "max_conns": st.integers(0, 99),
    },
)
UPSTREAM_TLS = some_of({"ca": FILES, "verify": st.booleans(), "server_name": NAMES_ALONE})
UPSTREAMS = st.fixed_dictionaries(
    dict.fromkeys(
        ["app", "b-2"],
        st.fixed_dictionaries(
            {"servers": st.lists(SERVERS | ENTRIES, min_size=1)},
            optional={
                "tls": UPSTREAM_TLS,
                "balance": st.sampled_from(
                    ["round_robin", "least_conn", "ip_hash", "random_two", "hash:$request_uri"]
                ),
                "retries": some_of(
                    {
                        "conditions": st.lists(st.sampled_from(["error", "timeout", "http_503"])),
                        "tries": st.integers(0, 9),
                        "timeout": SECONDS | st.just(0),
                    }
                ),
                "health": some_of(
                    {
                        "max_fails": st.integers(0, 9),
                        "fail_timeout": SECONDS,
                        "path": st.sampled_from(["", "/", "/healthz?deep=1"]),
                        "interval": st.integers(1, 9),
                        "timeout": SECONDS,
                        "fails": st.integers(1, 9),
                        "passes": st.integers(1, 9),
                        "status": st.lists(
                            st.sampled_from([204, "200", "200-399"]), min_size=1, max_size=3
                        ),
                    }
                ),
                "buffering": some_of({"memory": st.integers(0, 2**30)}),
            },
        ),
    )
)
LONG = st.fixed_dictionaries(REST | {"upstreams": UPSTREAMS, "routes": ROUTES}, optional=COMMON)


def attempt(text: str) -> Config | list[Problem]:
    """Return the configuration of a text, or its problems."""
    try:
        return parse(text, "gate.yaml", CORPUS, {"z": "zed", "A": "\n- x: {"}).config
    except ConfigError as error:
        return error.problems


def escaped(value: object) -> str:
    return yaml.safe_dump(value).replace("${", "$${")


@settings(max_examples=2 * settings().max_examples)
@given(st.one_of(SHORT, LONG))
def test_a_dumped_configuration_loads_as_itself(values: dict[str, object]):
    """Whatever form it was written in; and routes that load compile."""
    config = attempt(escaped(values))
    if not isinstance(config, Config):
        # The strategy may draw what only the rules between keys refuse.
        reasons = {problem.message.partition(" ")[0] for problem in config}
        assert reasons <= {"a", "differs", "the", "this"}, config
        return
    assert attempt(dump(config)) == config
    assert RouteTable(Route(route.host, route.path, route.access, None) for route in config.routes)


def total(text: str) -> None:
    """Assert that a text gives a configuration or problems with places and messages."""
    outcome = attempt(text)
    if isinstance(outcome, Config):
        return
    assert outcome
    for problem in outcome:
        assert problem.where.startswith("gate.yaml")
        assert problem.message
        assert str(problem).isprintable()


@given(st.text())
def test_any_text_gives_a_configuration_or_problems(text: str):
    total(text)


@given(st.text(alphabet="{}[]:,-?&*!|>'\"%@`# \n\tab<~$", max_size=40))
def test_any_yaml_punctuation_gives_problems(text: str):
    total(text)


@settings(max_examples=3 * settings().max_examples)
@given(st.data())
def test_any_mutation_of_a_configuration_gives_a_configuration_or_problems(data: st.DataObject):
    """Cut, repeat and splice the corpus: never another exception, never without a place."""
    text = data.draw(st.sampled_from(SEEDS))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        other = data.draw(
            st.sampled_from(["", "\n", "  ", ": ", "- ", "${A}", "*a", "&a ", "null"])
            | st.text(max_size=4)
        )
        text = text[:start] + other + text[end:]
    total(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(sorted(Config.model_fields)) | st.text(), inner, max_size=4
            )
        ),
    )
)
def test_any_yaml_value_gives_a_configuration_or_problems(value: object):
    total(yaml.safe_dump(value))


@pytest.mark.parametrize("depth", [100, 3_000, 30_000])
@pytest.mark.parametrize("text", ["[", "{a: ", "- ", "a:\n ", "? ", "&a [", "!a ", "'", '"\\'])
def test_deep_and_odd_repetition_gives_problems(text: str, depth: int):
    """Neither the stack nor the clock runs out."""
    with pytest.raises(ConfigError):
        parse(text * depth, "gate.yaml", CORPUS, {})
