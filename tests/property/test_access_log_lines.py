"""Whatever a client sends, its record is exactly one line of the access log."""

import json

from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import CertgateError
from proxy.observe.access_format import format_combined, format_json, parse_access_format
from proxy.observe.access_record import AccessRecord, LoggedClient
from proxy.observe.variables import VARIABLES

WIRE = st.binary(max_size=200)
TEXT = st.text(max_size=100)
PRINTABLE = frozenset(range(0x20, 0x7F))


@st.composite
def records(draw: st.DrawFn) -> AccessRecord:
    """Make a record of an exchange in which the client chose every byte."""
    client = LoggedClient(subject=draw(TEXT), issuer=draw(TEXT), serial=draw(TEXT))
    record = AccessRecord("192.0.2.7", client)
    record.method, record.target, record.version = draw(WIRE), draw(WIRE), draw(WIRE)
    record.request_line = draw(WIRE)
    record.host, record.referer = draw(st.none() | WIRE), draw(st.none() | WIRE)
    record.user_agent = draw(st.none() | WIRE)
    record.request_id = draw(TEXT)
    record.status = draw(st.integers(0, 999))
    record.time = draw(st.floats(0, 4e9))
    record.upstream_time = draw(st.none() | st.floats(0, 1e6))
    return record


@given(records())
def test_combined_is_one_printable_line_with_its_quotes_in_place(record: AccessRecord):
    line = format_combined(record)
    assert line.endswith(b"\n")
    assert PRINTABLE.issuperset(line[:-1])
    assert line.count(b'"') == 8


@given(records())
def test_json_is_one_line_and_one_object(record: AccessRecord):
    line = format_json(record)
    assert line.endswith(b"}\n")
    assert PRINTABLE.issuperset(line[:-1])
    assert json.loads(line)["status"] == record.status


@given(records())
def test_a_template_is_one_printable_line(record: AccessRecord):
    line = parse_access_format(" ".join(f'"${name}"' for name in VARIABLES))(record)
    assert line.endswith(b"\n")
    assert PRINTABLE.issuperset(line[:-1])
    assert line.count(b'"') == 2 * len(VARIABLES)


@given(st.text())
def test_any_format_of_the_configuration_is_taken_or_refused_with_one_line(text: str):
    try:
        shown = parse_access_format(text)(AccessRecord("192.0.2.7"))
    except CertgateError as error:
        shown = str(error).encode() + b"\n"
    assert shown.count(b"\n") == 1
