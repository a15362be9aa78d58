"""The operator's header rules, compiled: those for all routes and those of one route as one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from proxy.forward.header_rules import HeaderLine, HeaderRules
from proxy.forward.names import fold
from proxy.observe.scope import REQUEST, RESPONSE
from proxy.observe.template import HeaderTemplate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxy.config.model import RequestHeaders, ResponseHeaders
    from proxy.observe.access_record import AccessRecord
    from proxy.observe.scope import Scope

    Rules = HeaderRules[AccessRecord]


def merged_request_rules(*sections: RequestHeaders) -> Rules | None:
    """Return the rules of several sections; the later count where they differ. None for none."""
    host = None
    for section in sections:
        host = next((v for name, v in section.set.items() if name.lower() == "host"), host)
    rules = _merged(sections, REQUEST)
    if host is None:
        return rules
    return replace(rules or HeaderRules(frozenset(), ()), host=host.encode())


def merged_response_rules(*sections: ResponseHeaders) -> Rules | None:
    """Return the rules of several sections; the later count where they differ. None for none."""
    return _merged(sections, RESPONSE)


def _merged(sections: Iterable[RequestHeaders | ResponseHeaders], scope: Scope) -> Rules | None:
    dropped: set[bytes] = set()
    lines: list[HeaderLine[AccessRecord]] = []
    for section in sections:
        replaced = {_folded(name) for name in (*section.set, *section.remove)} - {b"host"}
        dropped |= replaced
        lines = [line for line in lines if fold(line.name.lower()) not in replaced]
        lines += [
            HeaderLine(name.encode(), HeaderTemplate(value, scope))
            for name, value in (*section.set.items(), *section.add.items())
            if name.lower() != "host"
        ]
    return HeaderRules(frozenset(dropped), tuple(lines)) if dropped or lines else None


def _folded(name: str) -> bytes:
    return fold(name.lower().encode())
