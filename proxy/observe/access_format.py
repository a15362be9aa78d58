"""From an access record to one line of bytes: combined, JSON or a template.

A line is built once per request, so the common case has to be cheap: one ``bytes.translate`` tells
whether anything must be escaped, and what comes again and again is remembered, the text of the
current second above all.
"""

from __future__ import annotations

from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Final, Protocol

from proxy.errors import CertgateError
from proxy.observe.escaping import SAFE, escape
from proxy.observe.scope import LOG
from proxy.observe.template import Template
from proxy.observe.variables import request_line, time_iso8601, time_local

if TYPE_CHECKING:
    from proxy.observe.access_record import AccessRecord

_MISSING: Final = b"-"


class AccessFormat(Protocol):
    """Turns a record into one line that ends with its only line feed."""

    def __call__(self, record: AccessRecord, /) -> bytes:
        """Return the line, line feed included."""
        ...


def format_combined(record: AccessRecord) -> bytes:
    """Return nginx's ``combined``, then the certificate's subject in quotes and the decision."""
    request = request_line(record) or _MISSING
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


class TemplateFormat:
    """A template with nginx's variable names, e.g. ``$remote_addr "$request" $status``.

    Args:
        template: the text of one line, without a line feed.

    Raises:
        CertgateError: a variable that does not exist, or a character that would break the line.
    """

    __slots__ = ("_template",)

    def __init__(self, template: str) -> None:
        if not template.isprintable():
            raise CertgateError("access log format: must be one line of printable text")
        try:
            self._template = Template(template + "\n", LOG)
        except CertgateError as error:
            raise CertgateError(f"access log format: {error}") from None

    def __call__(self, record: AccessRecord) -> bytes:
        """Return the line."""
        return self._template.render(record, _shown)


def _shown(value: bytes | None) -> bytes:
    return _MISSING if value is None else escape(value)


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
        _json_wire(request_line(record)),
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
