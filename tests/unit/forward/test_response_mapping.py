"""Which fields are looked at, and which are not."""

from __future__ import annotations

from proxy.forward.cookies import CookieMapping
from proxy.forward.location import LocationMapping
from proxy.forward.path_mapping import PathMapping
from proxy.forward.response_mapping import ResponseMapping

PATHS = PathMapping.between("/app", "/")
LOCATIONS = LocationMapping(PATHS, frozenset({b"app"}))
COOKIES = CookieMapping(PATHS, {})
FIELDS = [
    (b"location", b"LOCATION", b"/x"),
    (b"content-location", b"Content-Location", b"http://app/x"),
    (b"refresh", b"Refresh", b"1; url=/x"),
    (b"set-cookie", b"Set-Cookie", b"a=b; Path=/"),
    (b"set-cookie", b"set-cookie", b"c=d; Path=/x"),
    (b"link", b"Link", b"</x>"),
]


def values(locations: LocationMapping | None, cookies: CookieMapping | None) -> list[bytes]:
    made = ResponseMapping(locations, cookies).fields(FIELDS, (b"gate",))
    assert [field[:2] for field in made] == [field[:2] for field in FIELDS]
    return [value for _, _, value in made]


def test_locations_and_cookies_are_changed_each_for_itself():
    moved = [b"/app/x", b"/app/x", b"1; url=/app/x", b"a=b; Path=/app/", b"c=d; Path=/app/x"]
    given = [value for _, _, value in FIELDS]
    assert values(LOCATIONS, COOKIES) == [*moved, b"</x>"]
    assert values(LOCATIONS, None) == [*moved[:3], *given[3:]]
    assert values(None, COOKIES) == [*given[:3], *moved[3:], b"</x>"]
