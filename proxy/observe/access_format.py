"""From an access record to one line of bytes: combined, JSON or a template.

A line is built once per request, so the common case has to be cheap: one ``bytes.translate`` tells
whether anything must be escaped, and what comes again and again is remembered, the text of the
current second above all.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Final, Protocol

from proxy.errors import CertgateError
from proxy.observe.escaping import SAFE, escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.observe.access_record import AccessRecord

# strftime follows the locale; a log must not.
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_MISSING: Final = b"-"


class AccessFormat(Protocol):
    """Turns a record into one line that ends with its only line feed."""

    def __call__(self, record: AccessRecord, /) -> bytes:
        """Return the line, line feed included."""
        ...


def request_line(record: AccessRecord) -> bytes:
    """Return nginx's ``$request``: the first line as it was received."""
    if record.request_line:
        return record.request_line
    if record.method:
        return b"".join((record.method, b" ", record.target, b" HTTP/", record.version))
    return _MISSING


def _text(value: str) -> bytes:
    """Return text of ours, or a certificate's, as UTF-8; ``-`` for none."""
    return value.encode("utf-8", "backslashreplace") or _MISSING


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


def format_combined(record: AccessRecord) -> bytes:
    """Return nginx's ``combined``, then the certificate's subject in quotes and the decision."""
    request = request_line(record)
    return b"".join(
        (
            _escaped_text(record.remote_addr) or _MISSING,
            b" - - [",
            time_local(int(record.time)),
            b'] "',
            escape(request) if request.translate(None, SAFE) else request,
            b'" %d %d "' % (record.status, record.body_bytes_sent),
            _MISSING if record.referer is None else _escaped(record.referer),
            b'" "',
            _MISSING if record.user_agent is None else _escaped(record.user_agent),
            b'" "',
            record.client.escaped_subject,
            b'" ',
            _escaped_text(record.decision) or _MISSING,
            b"\n",
        )
    )


# Addresses, decisions and clients' names come again and again; a field may be as long as a head.
_escaped = lru_cache(maxsize=64)(escape)


@lru_cache(maxsize=256)
def _escaped_text(text: str) -> bytes:
    return escape(text.encode("utf-8", "backslashreplace"))


# The variables a template may use, by nginx's names where nginx has one.
VARIABLES: Final[dict[str, Callable[[AccessRecord], bytes]]] = {
    "body_bytes_sent": lambda r: b"%d" % r.body_bytes_sent,
    "decision": lambda r: _text(r.decision),
    "error": lambda r: _text(r.error),
    "host": lambda r: _MISSING if r.host is None else r.host,
    "http_host": lambda r: _MISSING if r.host is None else r.host,
    "http_referer": lambda r: _MISSING if r.referer is None else r.referer,
    "http_user_agent": lambda r: _MISSING if r.user_agent is None else r.user_agent,
    "msec": lambda r: b"%.3f" % r.time,
    "proxy_host": lambda r: _text(r.upstream),
    "remote_addr": lambda r: _text(r.remote_addr),
    "remote_user": lambda _: _MISSING,
    "request": request_line,
    "request_id": lambda r: _text(r.request_id),
    "request_method": lambda r: r.method or _MISSING,
    "request_time": lambda r: b"%.3f" % r.request_time,
    "request_uri": lambda r: r.target or _MISSING,
    "server_protocol": lambda r: b"HTTP/" + r.version if r.version else _MISSING,
    "ssl_cipher": lambda r: _text(r.client.tls_cipher),
    "ssl_client_fingerprint_sha256": lambda r: _text(r.client.fingerprint),
    "ssl_client_i_dn": lambda r: _text(r.client.issuer),
    "ssl_client_s_dn": lambda r: _text(r.client.subject),
    "ssl_client_serial": lambda r: _text(r.client.serial),
    "ssl_client_verify": lambda r: _text(r.verify),
    "ssl_protocol": lambda r: _text(r.client.tls_protocol),
    "status": lambda r: b"%d" % r.status,
    "time_iso8601": lambda r: time_iso8601(int(r.time)),
    "time_local": lambda r: time_local(int(r.time)),
    "upstream_addr": lambda r: _text(r.upstream_address),
    "upstream_response_time": (
        lambda r: _MISSING if r.upstream_time is None else b"%.3f" % r.upstream_time
    ),
    "upstream_status": lambda r: b"%d" % r.upstream_status if r.upstream_status else _MISSING,
}

# ``$name`` or ``${name}``; a lone dollar sign is an error, as it is for nginx.
_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+)|)")


class TemplateFormat:
    """A template with nginx's variable names, e.g. ``$remote_addr "$request" $status``.

    Args:
        template: the text of one line, without a line feed.

    Raises:
        CertgateError: a variable that does not exist, or a character that would break the line.
    """

    __slots__ = ("_getters", "_shape")

    def __init__(self, template: str) -> None:
        if not template.isprintable():
            raise CertgateError("access log format: must be one line of printable text")
        self._getters: list[Callable[[AccessRecord], bytes]] = []
        shape: list[str] = []
        end = 0
        for match in _VARIABLE.finditer(template):
            shape.append(template[end : match.start()].replace("%", "%%"))
            self._getters.append(_getter(match))
            end = match.end()
        shape.append(template[end:].replace("%", "%%") + "\n")
        self._shape = "%b".join(shape).encode()

    def __call__(self, record: AccessRecord) -> bytes:
        """Return the line."""
        return self._shape % tuple([escape(getter(record)) for getter in self._getters])


def _getter(match: re.Match[str]) -> Callable[[AccessRecord], bytes]:
    name = match[1] or match[2] or ""
    try:
        return VARIABLES[name]
    except KeyError:
        known = ", ".join(sorted(VARIABLES))
        raise CertgateError(f"access log format: no variable ${name}; there are: {known}") from None


# Filled in by hand because this is done once per request: 5 µs, where json.dumps takes 15.
_JSON_SHAPE: Final = (
    '{"time_iso8601":"%s","msec":%.3f,"remote_addr":%s,"request":%s,"request_method":%s,'
    '"request_uri":%s,"server_protocol":%s,"http_host":%s,"http_referer":%s,"http_user_agent":%s,'
    '"status":%d,"body_bytes_sent":%d,"request_time":%.3f,"request_id":%s,"proxy_host":%s,'
    '"upstream_addr":%s,"upstream_status":%s,"upstream_response_time":%s,"ssl_protocol":%s,'
    '"ssl_cipher":%s,"ssl_client_verify":%s,"ssl_client_s_dn":%s,"ssl_client_i_dn":%s,'
    '"ssl_client_serial":%s,"ssl_client_fingerprint_sha256":%s,"decision":%s,"error":%s}\n'
)
_NULL: Final = "null"


def format_json(record: AccessRecord) -> bytes:
    """Return one JSON object, keyed by nginx's variable names; null for what was not there."""
    client = record.client
    line = _JSON_SHAPE % (
        time_iso8601(int(record.time)).decode(),
        record.time,
        _json_text(record.remote_addr),
        _json_wire(request_line(record) if record.method or record.request_line else None),
        _json_wire(record.method or None),
        _json_wire(record.target or None),
        _json_wire(b"HTTP/" + record.version if record.version else None),
        _json_wire(record.host),
        _json_wire(record.referer),
        _json_wire(record.user_agent),
        record.status,
        record.body_bytes_sent,
        record.request_time,
        _json_text(record.request_id),
        _json_text(record.upstream),
        _json_text(record.upstream_address),
        record.upstream_status or _NULL,
        _NULL if record.upstream_time is None else f"{record.upstream_time:.3f}",
        _json_text(client.tls_protocol),
        _json_text(client.tls_cipher),
        _json_text(record.verify),
        _json_text(client.subject),
        _json_text(client.issuer),
        _json_text(client.serial),
        _json_text(client.fingerprint),
        _json_text(record.decision),
        _json_text(record.error),
    )
    return line.encode()


def _json_text(text: str) -> str:
    return encode_basestring_ascii(text) if text else _NULL


def _json_wire(value: bytes | None) -> str:
    r"""Return the wire's bytes as a JSON string; what is not UTF-8 stays visible as ``\xff``."""
    if value is None:
        return _NULL
    return encode_basestring_ascii(value.decode("utf-8", "backslashreplace"))


def parse_access_format(text: str) -> AccessFormat:
    """Return the format that ``access_log.format`` names: ``combined``, ``json`` or a template.

    Raises:
        CertgateError: the text is neither a known name nor a usable template.
    """
    if text == "combined":
        return format_combined
    if text == "json":
        return format_json
    if "$" not in text:
        raise CertgateError(
            f"access log format: {text!r} is neither combined, json nor a template with $variables"
        )
    return TemplateFormat(text)
