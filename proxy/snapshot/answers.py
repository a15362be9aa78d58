"""What answers in place of an app: fixed responses, redirects and folders of files, compiled."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.observe.redirect_target import RedirectTarget
from proxy.observe.scope import REQUEST
from proxy.observe.template import Template, body_encoding

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.config import model
    from proxy.observe.access_record import AccessRecord


@dataclass(frozen=True, slots=True)
class FixedResponse:
    """A response that is written in the configuration.

    Attributes:
        status: the status code.
        content_type: the value of Content-Type.
        body: makes the content.
    """

    status: int
    content_type: bytes
    body: Callable[[AccessRecord], bytes]


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirect.

    Attributes:
        status: the status code.
        to: makes the value of Location; empty where that cannot be.
    """

    status: int
    to: RedirectTarget


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """A folder whose files are served.

    Attributes:
        folder: its absolute path.
        index: names of files that stand for their folder.
        depth: how many segments of a request's path are the route's; what follows is the file's.
    """

    folder: bytes
    index: tuple[bytes, ...]
    depth: int


Answer = FixedResponse | Redirect | StaticFiles
"""Whatever answers a request in place of an app."""


def build_answer(route: model.Route) -> Answer | None:
    """Return what answers in place of an app; None where an app does."""
    if route.static is not None:
        index = tuple(os.fsencode(name) for name in route.index)
        depth = route.path.removesuffix("/").count("/")
        return StaticFiles(os.fsencode(route.static.absolute()), index, depth)
    if route.respond is not None:
        respond = route.respond
        body = _body(respond.body, respond.content_type)
        return FixedResponse(respond.status, respond.content_type.encode(), body)
    if route.redirect is not None:
        return Redirect(route.redirect.status, RedirectTarget(route.redirect.to))
    return None


def _body(text: str, content_type: str) -> Callable[[AccessRecord], bytes]:
    encoding = body_encoding(content_type)
    if encoding is None:
        content = text.encode()
        return lambda _: content
    template = Template(text, REQUEST)
    return lambda record: template.render(record, encoding)
