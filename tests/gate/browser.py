"""A visitor with a certificate and a cookie jar."""

from __future__ import annotations

import urllib.request
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any

from tests.gate.client import context

if TYPE_CHECKING:
    from tests.gate.process import Gate


class Browser:
    """The standard library's HTTP client with a cookie jar; it follows redirects."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context("good")),
            urllib.request.HTTPCookieProcessor(self.cookies),
        )

    def open(self, path: str, data: bytes | None = None, **headers: str) -> Any:
        request = urllib.request.Request(self._gate.url(path), data, headers)  # noqa: S310
        return self._opener.open(request, timeout=20)

    def text(self, path: str, data: bytes | None = None, **headers: str) -> str:
        with self.open(path, data, **headers) as response:
            text: str = response.read().decode()
            return text
