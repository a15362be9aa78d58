"""Properties of routing: an app's reading of a path never leads past the rule that was applied."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from proxy.routing.host import host_name
from proxy.routing.path import TargetError, normalise_path
from proxy.routing.readings import readings
from proxy.routing.table import Route, RouteTable

HOSTS = ["", "app.test", "*.test", "x.app.test", "*.app.test"]
WORDS = ["a", "admin", "public", "Public"]
PATHS = st.lists(st.sampled_from(WORDS), max_size=2).map(lambda words: "/" + "/".join(words))
# What attacks are made of: separators that only some apps see, and words that only some resolve.
SLASHES = st.sampled_from(["/"] * 6 + ["//", "\\", "%2F", "%2f", "%5c", "%252f", "/%2F", "%252F.."])
STEMS = st.sampled_from(["a", "x", "admin", "public", "PUBLIC", "é", "", "%61"])
DOTS = st.sampled_from(["..", "..", "%2e%2E", ".%2e", "%252e%252e", "%2e", "."])
TAILS = st.sampled_from([""] * 8 + [";", ";v=1", "%3bv", "%3F", "%23", "%20", "%25", ";/", "%2561"])
BROKEN = st.sampled_from(["%00", "%zz", "%", " ", "#", "?q", "?/../x", "\x7f"])
SEGMENTS = st.tuples(SLASHES, STEMS | DOTS, TAILS).map("".join)
TARGETS = st.tuples(
    st.lists(SEGMENTS, max_size=5).map("".join), st.just("") | st.just("") | BROKEN
).map(lambda parts: ("/" + parts[0].removeprefix("/") + parts[1]).encode())
REQUEST_HOSTS = st.sampled_from(
    [b"app.test", b"APP.test:443", b"other.test.", b"x.app.test", b"y.app.test", b"else.where", b""]
)


@st.composite
def tables(draw: st.DrawFn) -> list[Route[int]]:
    """Draw routes that compile: each place once, case variants with one access."""
    access: dict[tuple[str, str], str] = {}
    places: dict[tuple[str, str], Route[int]] = {}
    for number in range(draw(st.integers(1, 6))):
        host = draw(st.just("") | st.just("") | st.sampled_from(HOSTS))
        path = draw(PATHS)
        drawn = draw(st.sampled_from(["verified", "public"]))
        folded = access.setdefault((host, path.lower()), drawn)
        places.setdefault((host, path), Route(host, path, folded, number))
    return list(places.values())


DISGUISES = st.sampled_from([str, str, str, str.upper, lambda word: f"%{ord(word[0]):x}{word[1:]}"])


@st.composite
def attacks(draw: st.DrawFn) -> tuple[list[Route[int]], bytes]:
    """Draw routes, and a path that goes into one of them and may come out in another."""
    routes = draw(tables())
    into, out = (draw(st.sampled_from(routes)).path.split("/")[1:] for _ in range(2))
    climb = [draw(DOTS) for _ in range(draw(st.integers(0, 2)))]
    path = ""
    for word in [*into, *climb, *out]:
        path += draw(SLASHES) + (draw(DISGUISES)(word) if word else "") + draw(TAILS)
    return routes, ("/" + path.removeprefix("/")).encode()


# ---- the slow reference: a linear scan over everything, written from the documentation ----


def slow_host_matches(pattern: str, host: str) -> bool:
    if pattern.startswith("*."):
        return bool(re.fullmatch(r"[^.]+" + re.escape(pattern[1:]), host))
    return pattern in {"", host}


def slow_prefix_matches(prefix: str, path: str) -> bool:
    stem = prefix.rstrip("/")
    return path == stem or path.startswith(stem + "/")


def slow_choice(routes: list[Route[int]], host: str, path: str) -> Route[int] | None:
    matching = [
        route
        for route in routes
        if slow_host_matches(route.host, host) and slow_prefix_matches(route.path, path)
    ]

    def rank(route: Route[int]) -> tuple[int, int]:
        specific = 0 if not route.host else 1 if route.host.startswith("*") else 2
        return specific, len(route.path.rstrip("/"))

    return max(matching, key=rank, default=None)


def slow_host(host: bytes) -> str:
    return host.decode().lower().split(":")[0].rstrip(".")


# ---- apps, as they are: each reads the forwarded path in its own way ----


def resolve(segments: list[str]) -> list[str]:
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment not in {"", "."}:
            kept.append(segment)
    return kept


def text(path: bytes) -> str:
    return unquote_to_bytes(path).decode("latin-1")


def decoding_app(path: bytes) -> str:
    """WSGI, CGI, nginx with a URI: decodes everything, then resolves."""
    return "/" + "/".join(resolve(text(path).split("/")))


def literal_app(path: bytes) -> str:
    """Decodes everything and resolves nothing."""
    return text(path)


def segment_app(path: bytes) -> str:
    """RFC 3986: splits first, then decodes."""
    return "/" + "/".join(resolve([text(part) for part in path.split(b"/")]))


def tomcat(path: bytes) -> str:
    """Cuts parameters off, decodes, resolves."""
    return decoding_app(re.sub(rb";[^/]*", b"", path))


def late_tomcat(path: bytes) -> str:
    """Decodes, then cuts parameters off, then resolves."""
    bare = re.sub(r";[^/]*", "", text(path))
    return "/" + "/".join(resolve(bare.split("/")))


def windows(path: bytes) -> str:
    """Decodes, takes backslashes for slashes, resolves, ignores case."""
    return "/" + "/".join(resolve(text(path).replace("\\", "/").split("/"))).lower()


def double_decoding_app(path: bytes) -> str:
    """Sits behind another gateway that decodes as well."""
    return "/" + "/".join(resolve(text(unquote_to_bytes(path)).split("/")))


def reparsing_app(path: bytes) -> str:
    """Decodes, and takes what comes out for a URL again."""
    return "/" + "/".join(resolve(re.split(r"[?#]", text(path))[0].split("/")))


APPS = [decoding_app, literal_app, segment_app, tomcat, late_tomcat, windows]
APPS += [double_decoding_app, reparsing_app]


@settings(max_examples=6 * settings().max_examples)
@given(attack=attacks(), host=REQUEST_HOSTS)
@example(
    attack=([Route("", "/", "verified", 0), Route("", "/public", "p", 1)], b"/public/..;/admin"),
    host=b"",
)
def test_no_app_reads_a_forwarded_path_past_the_rule(
    attack: tuple[list[Route[int]], bytes], host: bytes
):
    """Whatever the app makes of the path: the routes would have asked for the same access."""
    routes, target = attack
    try:
        match = RouteTable(routes).match(host, target)
    except TargetError:
        return
    if match is None:
        return
    chosen = next(route for route in routes if route.payload == match.payload)
    folded = [route._replace(path=route.path.lower()) for route in routes]
    for app in APPS:
        path = app(match.forward.partition(b"?")[0])
        as_read = slow_choice(folded if app is windows else routes, slow_host(host), path)
        assert as_read is not None, app
        assert as_read.access == chosen.access, app


@settings(max_examples=6 * settings().max_examples)
@given(routes=tables(), host=REQUEST_HOSTS, target=TARGETS)
def test_the_table_agrees_with_a_linear_scan(routes: list[Route[int]], host: bytes, target: bytes):
    table = RouteTable(routes)
    try:
        match = table.match(host, target)
        path = "/" + "/".join(
            segment.decode("latin-1").replace("/", "%2F")
            for segment in normalise_path(target.partition(b"?")[0]).segments
        )
    except TargetError:
        return
    expected = slow_choice(routes, slow_host(host), path)
    assert (match and match.payload) == (expected and expected.payload)


@given(host=REQUEST_HOSTS, target=TARGETS)
def test_one_access_for_all_refuses_only_what_is_malformed(host: bytes, target: bytes):
    """An app behind a single rule sees every well-formed path."""
    table = RouteTable([Route("", "/", "verified", 1), Route("", "/public", "verified", 2)])
    try:
        normal = normalise_path(target.partition(b"?")[0])
    except TargetError:
        normal = None
    try:
        match = table.match(host, target)
    except TargetError:
        assert normal is None
        return
    assert normal is not None
    assert match is not None
    assert match.forward.partition(b"?")[0] == normal.forward


@given(raw=st.one_of(TARGETS, st.binary(max_size=60).map(b"/".__add__), st.binary(max_size=20)))
def test_normalising_is_idempotent_and_total(raw: bytes):
    """Any bytes give a path or a TargetError, and a normalised path stays as it is."""
    try:
        normal = normalise_path(raw)
    except TargetError:
        return
    assert normalise_path(normal.forward) == normal
    assert not {b".", b".."} & set(normal.segments)
    assert b"" not in normal.segments[:-1]
    assert not re.search(rb"[\x00-\x20\x7f]", normal.forward)


@given(target=TARGETS)
def test_what_is_not_resolved_is_forwarded_byte_for_byte(target: bytes):
    """Forwarding changes nothing but dot segments and empty segments."""
    path = target.partition(b"?")[0]
    try:
        normal = normalise_path(path)
    except TargetError:
        return
    kept = iter(path.split(b"/"))
    assert all(segment in kept for segment in normal.forward.split(b"/")[:-1])
    dots = {b"", b".", b".."}
    if not dots & {unquote_to_bytes(part) for part in path.split(b"/")[1:-1]} and (
        unquote_to_bytes(path.rpartition(b"/")[2]) not in dots - {b""}
    ):
        assert normal.forward == path


@given(target=TARGETS)
def test_every_path_is_among_its_own_readings(target: bytes):
    try:
        normal = normalise_path(target.partition(b"?")[0])
        found = readings(normal.forward)
    except TargetError:
        assume(False)
        return
    assert unquote_to_bytes(normal.forward) in found


@given(host=st.binary(max_size=40))
def test_any_host_has_a_name_and_none_is_found_for_nonsense(host: bytes):
    assert isinstance(host_name(host), bytes)
    table = RouteTable([Route("app.test", "/", "public", 0), Route("*.test", "/", "public", 1)])
    match = table.match(host, b"/")
    name = host.decode("latin-1").split(":")[0].lower()
    assert match is None or name.removesuffix(".").endswith(".test")
