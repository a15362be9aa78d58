"""What ``$name`` stands for, by nginx's names where nginx has one.

Each variable is a function of one exchange's record. None means that there is no such thing: the
log writes ``-`` then, a header nothing.

In the log, a certificate's names are those of the certificate that was *sent*, whatever it was
worth: ``$decision`` and ``$ssl_client_verify`` stand beside them. Everywhere else they are there
only once it was verified (``vouched_variable``). nginx fills them for a failed certificate too, so
that a header made of ``$ssl_client_s_dn`` on a route for everybody names whom a stranger likes.

The table says of each from which stage of an exchange on it has its value; ``proxy.observe.scope``
says which stages a text can wait for. A test holds docs/rewriting.md to the table.
"""

from __future__ import annotations

import re
import time
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from proxy.forward.identity_headers import (
    is_identity_name,
    listed_alternative_names,
    percent_escaped,
)
from proxy.http1.messages import CONNECTION_FIELDS, LENGTH
from proxy.observe.access_record import MAX_NAME_LENGTH
from proxy.routing.host import host_name
from proxy.routing.path import TargetError, normalise_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.identity.facts import CertificateFacts
    from proxy.observe.access_record import AccessRecord

    Getter = Callable[[AccessRecord], bytes | None]


class Stage(IntEnum):
    """From when on a variable has its value, in the order of time."""

    REQUEST = 0
    """The request has come, and its certificate was looked at."""

    CLOCK = 1
    """Always, and never twice the same: the time."""

    RESPONSE = 2
    """The head of the response is written."""

    END = 3
    """The exchange is over: for the log alone."""


# strftime follows the locale; a log must not.
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
# More than any certificate that somebody means; a line of the log is not to grow beyond it.
_MAX_CERTIFICATE_LENGTH: Final = 16 * 1024


def request_line(record: AccessRecord) -> bytes | None:
    """Return nginx's ``$request``: the first line as it was received."""
    if record.request_line:
        return record.request_line
    if record.method:
        return b"".join((record.method, b" ", record.target, b" HTTP/", record.version))
    return None


def _offset(local: time.struct_time) -> tuple[str, int, int]:
    """Return sign, hours and minutes of the local time zone's offset from UTC."""
    sign = "-" if local.tm_gmtoff < 0 else "+"
    return sign, *divmod(abs(local.tm_gmtoff) // 60, 60)


@lru_cache(maxsize=4)
def time_local(second: int) -> bytes:
    """Return nginx's ``$time_local``, e.g. ``23/Nov/2026:08:04:21 +0000``."""
    local = time.localtime(second)
    sign, hours, minutes = _offset(local)
    date = f"{local.tm_mday:02d}/{_MONTHS[local.tm_mon - 1]}/{local.tm_year}"
    clock = f"{local.tm_hour:02d}:{local.tm_min:02d}:{local.tm_sec:02d}"
    return f"{date}:{clock} {sign}{hours:02d}{minutes:02d}".encode()


@lru_cache(maxsize=4)
def time_iso8601(second: int) -> bytes:
    """Return nginx's ``$time_iso8601``, e.g. ``2026-11-23T08:04:21+00:00``."""
    local = time.localtime(second)
    sign, hours, minutes = _offset(local)
    date = f"{local.tm_year}-{local.tm_mon:02d}-{local.tm_mday:02d}"
    clock = f"{local.tm_hour:02d}:{local.tm_min:02d}:{local.tm_sec:02d}"
    return f"{date}T{clock}{sign}{hours:02d}:{minutes:02d}".encode()


def _text(value: str) -> bytes | None:
    """Return text of ours, or a certificate's, as UTF-8; None for none."""
    return value.encode("utf-8", "backslashreplace") or None


def _host(record: AccessRecord) -> bytes | None:
    """Return the Host field's value without its port; an IPv6 address keeps its brackets."""
    if record.host is None:
        return None
    name = host_name(record.host)
    return b"[%b]" % name if record.host.startswith(b"[") else name


def _path(record: AccessRecord) -> bytes | None:
    """Return the path without dot segments, as it is forwarded; nginx decodes it as well."""
    try:
        return normalise_path(record.target.partition(b"?")[0]).forward
    except TargetError:
        return None


def _query(record: AccessRecord) -> bytes | None:
    return record.target.partition(b"?")[2] or None


def _content_length(record: AccessRecord) -> bytes | None:
    section = record.section
    if section is None or section.framing is not LENGTH:
        return None
    return b"%d" % section.length


def _field(name: bytes) -> Getter:
    """Return the getter of a request field, lines of one name joined (RFC 9110, section 5.3)."""
    separator = b"; " if name == b"cookie" else b", "

    def get(record: AccessRecord) -> bytes | None:
        fields = record.section.fields if record.section is not None else ()
        values = [value for lower, _, value in fields if lower == name]
        return separator.join(values) if values else None

    return get


def _cookie(name: bytes) -> Getter:
    cookies = _field(b"cookie")

    def get(record: AccessRecord) -> bytes | None:
        return _named(name, (cookies(record) or b"").split(b";"))

    return get


def _argument(name: bytes) -> Getter:
    def get(record: AccessRecord) -> bytes | None:
        return _named(name, (_query(record) or b"").split(b"&"))

    return get


def _named(name: bytes, pairs: list[bytes]) -> bytes | None:
    """Return the value of the first ``name=value``, as it is written."""
    for pair in pairs:
        key, equals, value = pair.strip().partition(b"=")
        if equals and key == name:
            return value
    return None


_FACTS: Final[dict[str, Callable[[CertificateFacts], str]]] = {
    "ssl_client_cn": lambda facts: percent_escaped(facts.cn),
    "ssl_client_fingerprint": lambda facts: facts.fingerprint_sha1,
    "ssl_client_fingerprint_sha256": lambda facts: facts.fingerprint_sha256,
    "ssl_client_i_dn": lambda facts: facts.issuer,
    "ssl_client_s_dn": lambda facts: facts.subject,
    "ssl_client_san": listed_alternative_names,
    "ssl_client_serial": lambda facts: facts.serial_hex,
    "ssl_client_sha256": lambda facts: facts.fingerprint_sha256,
    "ssl_client_v_end": lambda facts: facts.not_after_text,
    "ssl_client_v_start": lambda facts: facts.not_before_text,
}


def _sent(get: Callable[[CertificateFacts], str], limit: int = MAX_NAME_LENGTH) -> Getter:
    """Return the getter for the log: of whatever certificate, and bounded."""

    def value(record: AccessRecord) -> bytes | None:
        facts = record.client.facts
        return None if facts is None else _text(get(facts)[:limit])

    return value


def _vouched(get: Callable[[CertificateFacts], str]) -> Getter:
    """Return the getter for everything else: of a verified certificate, and whole.

    Half of a name may be somebody else's.
    """

    def value(record: AccessRecord) -> bytes | None:
        facts = record.client.facts
        if facts is None or record.verify != "SUCCESS":
            return None
        return _text(get(facts))

    return value


def _remaining_days(record: AccessRecord) -> bytes | None:
    facts = record.client.facts
    return None if facts is None else b"%d" % facts.remaining_days(record.time)


def _vouched_days(record: AccessRecord) -> bytes | None:
    return _remaining_days(record) if record.verify == "SUCCESS" else None


_TABLE: Final[dict[Stage, dict[str, Getter]]] = {
    Stage.REQUEST: {name: _sent(get) for name, get in _FACTS.items()}
    | {
        "args": _query,
        "content_length": _content_length,
        "content_type": _field(b"content-type"),
        "decision": lambda r: _text(r.decision),
        "host": _host,
        "http_host": lambda r: r.host,
        "http_referer": lambda r: r.referer,
        "http_user_agent": lambda r: r.user_agent,
        "proxy_host": lambda r: _text(r.upstream),
        "query_string": _query,
        "remote_addr": lambda r: _text(r.remote_addr),
        "request": request_line,
        "request_id": lambda r: _text(r.request_id),
        "request_method": lambda r: r.method or None,
        "request_uri": lambda r: r.target or None,
        "scheme": lambda _: b"https",
        "server_port": lambda r: b"%d" % r.client.server_port if r.client.server_port else None,
        "server_protocol": lambda r: b"HTTP/" + r.version if r.version else None,
        "ssl_cipher": lambda r: _text(r.client.tls_cipher),
        "ssl_client_escaped_cert": _sent(lambda facts: facts.escaped_pem, _MAX_CERTIFICATE_LENGTH),
        "ssl_client_fingerprint_sha256": lambda r: _text(r.client.fingerprint),
        "ssl_client_i_dn": lambda r: _text(r.client.issuer),
        "ssl_client_s_dn": lambda r: _text(r.client.subject),
        "ssl_client_serial": lambda r: _text(r.client.serial),
        "ssl_client_v_remain": _remaining_days,
        "ssl_client_verify": lambda r: _text(r.verify),
        "ssl_protocol": lambda r: _text(r.client.tls_protocol),
        "uri": _path,
    },
    Stage.CLOCK: {
        "msec": lambda r: b"%.3f" % r.time,
        "time_iso8601": lambda r: time_iso8601(int(r.time)),
        "time_local": lambda r: time_local(int(r.time)),
    },
    Stage.RESPONSE: {
        "error": lambda r: _text(r.error),
        "status": lambda r: b"%d" % r.status,
        "upstream_addr": lambda r: _text(r.upstream_address),
        "upstream_status": lambda r: b"%d" % r.upstream_status if r.upstream_status else None,
    },
    Stage.END: {
        "body_bytes_sent": lambda r: b"%d" % r.body_bytes_sent,
        "remote_user": lambda _: None,  # nobody logs in; formats that come from nginx name it
        "request_time": lambda r: b"%.3f" % r.request_time,
        "upstream_response_time": (
            lambda r: None if r.upstream_time is None else b"%.3f" % r.upstream_time
        ),
    },
}

VARIABLES: Final = {name: get for getters in _TABLE.values() for name, get in getters.items()}
"""The log's variables with a name of their own; families are made as they are asked for."""

STAGES: Final = {name: stage for stage, getters in _TABLE.items() for name in getters}
"""From when on each of them has its value; families are known with the request."""

_VOUCHED: Final[dict[str, Getter]] = {name: _vouched(get) for name, get in _FACTS.items()} | {
    "ssl_client_escaped_cert": _vouched(lambda facts: facts.escaped_pem),
    "ssl_client_v_remain": _vouched_days,
}

_FAMILY: Final = re.compile(r"(http|cookie|arg)_([0-9A-Za-z_]+)")
_FAMILIES: Final[dict[str, Callable[[bytes], Getter]]] = {"cookie": _cookie, "arg": _argument}


def find_variable(name: str) -> Getter | None:
    """Return what a variable stands for in the log, or None when there is none of this name.

    ``http_NAME``, ``cookie_NAME`` and ``arg_NAME`` are fields, cookies and arguments of a request.
    Fields under which an identity would be forged never count, and those of the connection alone
    are not kept: neither is a variable.
    """
    getter = VARIABLES.get(name)
    if getter is not None:
        return getter
    match = _FAMILY.fullmatch(name)
    if match is None:
        return None
    family, member = match[1], match[2].encode()
    if family != "http":
        return _FAMILIES[family](member)
    field = member.lower().replace(b"_", b"-")
    return None if field in CONNECTION_FIELDS or is_identity_name(field) else _field(field)


def vouched_variable(name: str) -> Getter | None:
    """As ``find_variable``, but what a certificate says is there only when it was verified."""
    return _VOUCHED.get(name) or find_variable(name)
