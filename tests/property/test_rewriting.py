"""Properties of rewriting: no way past a rule or out of a line; the way back is the way."""

from __future__ import annotations

import re

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from proxy.forward.cookies import CookieMapping
from proxy.forward.location import LocationMapping
from proxy.forward.path_mapping import PathMapping
from proxy.http1.messages import NO_CONTENT, RequestFields
from proxy.observe.access_record import AccessRecord, LoggedClient
from proxy.observe.redirect_target import RedirectTarget
from proxy.observe.scope import Scope
from proxy.observe.template import HeaderTemplate, header_safe
from proxy.observe.variables import VARIABLES, Stage
from proxy.routing.claims import Claims
from proxy.routing.path import TargetError
from proxy.routing.table import Route, RouteTable
from tests.property.test_routing import APPS, TARGETS, slow_prefix_matches, windows

WORDS = ["a", "admin", "public", "Public"]
PATHS = st.lists(st.sampled_from(WORDS), max_size=2).map(lambda words: "/" + "/".join(words))
STEMS = st.tuples(PATHS, st.sampled_from(["", "/"])).map(
    lambda parts: parts[0] if parts[0] == "/" else "".join(parts)
)


def forwarded(path: str, upstream_path: str, target: bytes) -> bytes | None:
    """Return what an app would get by one route that takes every client; None for a refusal."""
    try:
        match = RouteTable([Route("", path, "open", None)]).match(b"", target)
        if match is None:
            return None
        return PathMapping.between(path, upstream_path).forwarded(match.forward)
    except TargetError:
        return None


@settings(max_examples=4 * settings().max_examples)
@given(path=PATHS, stem=STEMS, target=TARGETS)
@example(path="/a", stem="/public", target=b"/a/..%2fadmin")
@example(path="/a", stem="/public/", target=b"/a/..;/..;/public/../admin")
def test_no_app_reads_a_rewritten_path_outside_of_upstream_path(
    path: str, stem: str, target: bytes
):
    sent = forwarded(path, stem, b"/" + path.strip("/").encode() + target)
    assume(sent is not None)
    assert sent is not None
    for app in APPS:
        read = app(sent.partition(b"?")[0])
        prefix = stem.lower() if app is windows else stem
        assert slow_prefix_matches(prefix, read), app


@st.composite
def mapped_routes(draw: st.DrawFn) -> list[tuple[str, str, str]]:
    """Draw routes of one app: path, the app's path, access."""
    places: dict[str, tuple[str, str, str]] = {}
    for _ in range(draw(st.integers(1, 5))):
        path = draw(PATHS)
        stem = draw(st.just(path) | STEMS)
        places.setdefault(path.lower(), (path, stem, draw(st.sampled_from(["verified", "public"]))))
    return list(places.values())


@settings(max_examples=6 * settings().max_examples)
@given(routes=mapped_routes(), target=TARGETS)
@example(
    routes=[("/public", "/", "public"), ("/admin", "/admin", "verified")], target=b"/public/admin"
)
@example(
    routes=[("/public", "/", "public"), ("/admin", "/admin", "verified")],
    target=b"/public/x%2f..%2fADMIN",
)
def test_a_stranger_gets_no_path_that_another_route_guards(
    routes: list[tuple[str, str, str]], target: bytes
):
    """Whatever the app makes of the path: no route that leads there most closely wants more."""
    table = RouteTable([Route("", path, access, (path, stem)) for path, stem, access in routes])
    claims = Claims([(stem.encode(), access) for _, stem, access in routes])
    try:
        match = table.match(b"", target)
        if match is None:
            return
        sent = PathMapping.between(*match.payload).forwarded(match.forward)
        if claims.of(sent.partition(b"?")[0]) != {"public"}:
            return
    except TargetError:
        return
    for app in APPS:
        read = app(sent.partition(b"?")[0])
        assert closest(routes, read, folded=app is windows) == {"public"}, app


def closest(routes: list[tuple[str, str, str]], read: str, *, folded: bool) -> set[str]:
    """Return the access of the routes with the longest of the app's paths that take this one."""
    found = [
        (len(stem.rstrip("/")), access)
        for _, stem, access in routes
        if slow_prefix_matches(stem.lower() if folded else stem, read)
    ]
    longest = max((length for length, _ in found), default=0)
    return {access for length, access in found if length == longest}


# The way back

REST = st.from_regex(r"(/[a-z0-9%41.~-]{1,5}){0,3}/?(\?[a-z=/&]{0,8})?", fullmatch=True)


@given(path=PATHS, stem=STEMS, rest=REST)
def test_the_way_back_is_the_way(path: str, stem: str, rest: str):
    """What the app calls a page leads to this page; unless it says the prefix itself already."""
    asked = (path.rstrip("/") + rest).encode()
    assume(asked.startswith(b"/"))
    mapping = PathMapping.between(path, stem)
    try:
        match = RouteTable([Route("", path, "open", None)]).match(b"", asked)
        assert match is not None
        sent = mapping.forwarded(match.forward)
    except TargetError:
        return
    back = mapping.returned(sent)
    assume(back != sent or mapping.prefix == mapping.stem)
    assert back is not None
    assert mapping.forwarded(back) == sent


URLS = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "http:", "HTTPS:", "javascript:", "5; url=", "0;URL='"]),
        st.sampled_from(
            ["", "/", "//", "///", "/\\", "//app", "//APP:80", "//gate", "//evil.test"]
        ),
        st.text("/\\ap.?#'\" @:", max_size=8),
    ),
)


@given(path=PATHS, stem=STEMS, url=URLS)
def test_no_location_leads_to_a_site_that_the_app_did_not_name(path: str, stem: str, url: str):
    """What is changed becomes a path of the gate's, and never another host."""
    value = url.encode()
    mapping = LocationMapping(PathMapping.between(path, stem), frozenset({b"app"}))
    made = mapping.location(value, (b"gate",))
    if made != value:
        assert re.match(rb"/(?![/\\])", made)
        assert re.match(rb"(?i:(?:https?:)?//(?:app|gate)|/)", value)
    refreshed = mapping.refresh(value, (b"gate",))
    assert refreshed.startswith(value.partition(b"=")[0])


@given(value=st.binary(max_size=60))
def test_a_cookie_keeps_all_but_the_value_that_changes(value: bytes):
    mapping = CookieMapping(PathMapping.between("/app", "/"), {b"a": b"b"})
    made = mapping.cookie(value).split(b";")
    given_parts = value.split(b";")
    assert made[0] == given_parts[0]
    for before, after in zip(given_parts, made, strict=True):
        name = before.partition(b"=")[0]
        assert after == before or name.strip().lower() in {b"path", b"domain"}
        assert after.startswith(name)


# Values of headers

WIRE = st.binary(max_size=80)
TEXT = st.text(max_size=80)


@st.composite
def records(draw: st.DrawFn) -> AccessRecord:
    """Make a record in which client and certificate chose every byte."""
    client = LoggedClient(subject=draw(TEXT), issuer=draw(TEXT), serial=draw(TEXT))
    record = AccessRecord(draw(TEXT), client)
    record.method, record.target, record.version = draw(WIRE), draw(WIRE), draw(WIRE)
    record.host, record.referer = draw(st.none() | WIRE), draw(st.none() | WIRE)
    record.user_agent, record.verify = draw(st.none() | WIRE), "SUCCESS"
    fields = [(b"cookie", b"Cookie", draw(WIRE)), (b"x-a", b"X-A", draw(WIRE))]
    record.section = RequestFields(
        1,
        b"",
        fields,
        NO_CONTENT,
        0,
        True,
        False,
        b"",
        frozenset(),
    )
    return record


ALL = " ".join(f"${name}" for name in (*VARIABLES, "http_x_a", "cookie_a", "arg_a"))
EVERYTHING = Scope(Stage.END)


@given(records())
def test_no_value_ends_its_line(record: AccessRecord):
    made = HeaderTemplate(ALL, EVERYTHING)(record)
    assert re.fullmatch(rb"[\x20-\x7e]*", made)
    assert made == made.strip()


@given(WIRE)
def test_what_is_safe_already_stays(value: bytes):
    once = header_safe(value)
    assert header_safe(once) == once


@given(
    record=records(),
    text=st.sampled_from(
        [
            "$request_uri",
            "$uri",
            "/$arg_a",
            "/x$request_uri?$args",
            "https://fixed.test$request_uri",
        ]
    ),
)
def test_no_redirect_leads_to_a_site_of_the_clients_choice(record: AccessRecord, text: str):
    made = RedirectTarget(text)(record)
    assert re.fullmatch(rb"[\x21-\x7e]+", made)
    assert re.match(rb"/(?![/\\])|https://fixed\.test(?:[/?#]|\Z)", made)
