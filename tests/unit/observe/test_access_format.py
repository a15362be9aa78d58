"""The three shapes of an access log line."""

import json
import time

import pytest

from proxy.errors import CertgateError
from proxy.observe.access_format import format_combined, format_json, parse_access_format
from proxy.observe.access_record import AccessRecord, LoggedClient
from proxy.observe.variables import VARIABLES, time_iso8601, time_local

WHEN = 1_795_421_061.25  # 23 November 2026, 08:04:21 UTC


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch):
    """The local time zone is UTC, unless a test says otherwise."""
    _zone(monkeypatch, "UTC")
    yield
    monkeypatch.undo()
    time.tzset()
    _forget_times()


def _zone(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setenv("TZ", name)
    time.tzset()
    _forget_times()


def _forget_times():
    time_local.cache_clear()
    time_iso8601.cache_clear()


def admitted() -> AccessRecord:
    """Return the record of an ordinary exchange."""
    record = AccessRecord(
        "192.0.2.7",
        LoggedClient(
            tls_protocol="TLSv1.3",
            tls_cipher="TLS_AES_256_GCM_SHA384",
            subject="CN=alice,O=Acme",
            issuer="CN=Acme CA",
            serial="1000",
            fingerprint="ab" * 32,
        ),
    )
    record.time = WHEN
    record.method, record.target, record.version = b"GET", b"/items?page=2", b"1.1"
    record.host, record.user_agent = b"app.example.com", b"curl/8.5.0"
    record.status, record.body_bytes_sent, record.request_time = 200, 512, 0.0304
    record.request_id, record.verify, record.decision = "4f2a", "SUCCESS", "admitted"
    record.upstream, record.upstream_address = "app", "127.0.0.1:3000"
    record.upstream_status, record.upstream_time = 200, 0.02
    return record


class TestCombined:
    def test_is_nginx_combined_then_subject_and_decision(self):
        assert format_combined(admitted()) == (
            b'192.0.2.7 - - [23/Nov/2026:08:04:21 +0000] "GET /items?page=2 HTTP/1.1" 200 512 "-" '
            b'"curl/8.5.0" "CN=alice,O=Acme" admitted\n'
        )

    def test_a_connection_that_sent_nothing_is_all_dashes(self):
        record = AccessRecord("")
        record.time, record.status = WHEN, 408
        assert (
            format_combined(record)
            == b'- - - [23/Nov/2026:08:04:21 +0000] "-" 408 0 "-" "-" "-" -\n'
        )

    def test_an_empty_field_is_not_a_missing_one(self):
        record = admitted()
        record.referer = b""
        assert b' 512 "" "curl' in format_combined(record)

    def test_the_first_line_as_received_wins_over_its_parts(self):
        record = admitted()
        record.request_line = b"GET http://app.example.com/items?page=2 HTTP/1.1"
        assert b'"GET http://app.example.com/items?page=2 HTTP/1.1" 200' in format_combined(record)

    def test_a_line_that_could_not_be_parsed_is_logged_raw_and_escaped(self):
        record = AccessRecord("192.0.2.7")
        record.time, record.status, record.request_line = WHEN, 400, b'\x16\x03\x01"\n'
        assert rb'"\x16\x03\x01\x22\x0A" 400 0' in format_combined(record)

    @pytest.mark.parametrize(
        "part", ["target", "referer", "user_agent", "method", "version", "request_line"]
    )
    def test_no_part_of_a_request_can_forge_a_line(self, part: str):
        record = admitted()
        setattr(record, part, b'x" 200 0 "-" "-" "-" admitted\n203.0.113.9 - - "')
        line = format_combined(record)
        assert line.count(b"\n") == 1
        assert line.count(b'"') == 8

    def test_a_certificate_cannot_forge_a_line_either(self):
        record = admitted()
        record.client = LoggedClient(subject='CN=x" admitted\n')
        assert format_combined(record).endswith(rb'"CN=x\x22 admitted\x0A" admitted' + b"\n")

    def test_the_time_is_local_as_nginx_writes_it(self, monkeypatch: pytest.MonkeyPatch):
        _zone(monkeypatch, "<-0330>3:30")
        assert b"[23/Nov/2026:04:34:21 -0330]" in format_combined(admitted())


class TestJson:
    def test_has_nginx_variable_names(self):
        assert json.loads(format_json(admitted())) == {
            "time_iso8601": "2026-11-23T08:04:21+00:00",
            "msec": 1795421061.25,
            "remote_addr": "192.0.2.7",
            "request": "GET /items?page=2 HTTP/1.1",
            "request_method": "GET",
            "request_uri": "/items?page=2",
            "server_protocol": "HTTP/1.1",
            "http_host": "app.example.com",
            "http_referer": None,
            "http_user_agent": "curl/8.5.0",
            "status": 200,
            "body_bytes_sent": 512,
            "request_time": 0.030,
            "request_id": "4f2a",
            "proxy_host": "app",
            "upstream_addr": "127.0.0.1:3000",
            "upstream_status": 200,
            "upstream_response_time": 0.020,
            "ssl_protocol": "TLSv1.3",
            "ssl_cipher": "TLS_AES_256_GCM_SHA384",
            "ssl_client_verify": "SUCCESS",
            "ssl_client_s_dn": "CN=alice,O=Acme",
            "ssl_client_i_dn": "CN=Acme CA",
            "ssl_client_serial": "1000",
            "ssl_client_fingerprint_sha256": "ab" * 32,
            "decision": "admitted",
            "error": None,
        }

    def test_what_was_not_there_is_null(self):
        fields = json.loads(format_json(AccessRecord("")))
        present = {key for key, value in fields.items() if value is not None}
        assert present == {
            *("time_iso8601", "msec", "status", "body_bytes_sent", "request_time"),
            "ssl_client_verify",
        }

    def test_bytes_that_are_not_utf8_stay_visible(self):
        record = admitted()
        record.user_agent = b'caf\xc3\xa9 \xff "\n'
        assert json.loads(format_json(record))["http_user_agent"] == 'café \\xff "\n'

    def test_a_raw_first_line_is_kept(self):
        record = AccessRecord("192.0.2.7")
        record.request_line = b"\x00\x01"
        assert json.loads(format_json(record))["request"] == "\x00\x01"


class TestTemplate:
    def test_fills_in_nginx_variables(self):
        line = parse_access_format('$remote_addr "$request" ${status}ms 100% $decision')
        assert line(admitted()) == b'192.0.2.7 "GET /items?page=2 HTTP/1.1" 200ms 100% admitted\n'

    def test_escapes_each_value(self):
        record = admitted()
        record.user_agent = b'"\n'
        assert parse_access_format("[$http_user_agent]")(record) == rb"[\x22\x0A]" + b"\n"

    def test_every_variable_has_a_value_for_a_full_and_for_an_empty_record(self):
        line = parse_access_format("|".join(f"${name}" for name in VARIABLES))
        full, empty = line(admitted()).split(b"|"), line(AccessRecord("")).split(b"|")
        assert len(full) == len(empty) == len(VARIABLES)
        assert all(full)
        assert all(empty)

    @pytest.mark.parametrize("text", ["$nope", "${nope}"])
    def test_an_unknown_variable_is_an_error_that_lists_the_known_ones(self, text: str):
        with pytest.raises(CertgateError, match=r"no variable \$.*remote_addr"):
            parse_access_format(text)

    def test_a_template_is_one_line(self):
        with pytest.raises(CertgateError, match="one line"):
            parse_access_format("$status\n$status")


class TestParse:
    def test_knows_the_two_names(self):
        assert parse_access_format("combined") is format_combined
        assert parse_access_format("json") is format_json

    @pytest.mark.parametrize("text", ["", "common", "JSON"])
    def test_a_misspelt_name_is_not_taken_for_a_template(self, text: str):
        with pytest.raises(CertgateError, match="neither combined, json nor a template"):
            parse_access_format(text)
