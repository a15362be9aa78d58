"""A record starts empty, and what a certificate says is bounded before it is logged."""

from proxy.observe.access_record import MAX_NAME_LENGTH, NO_CLIENT, AccessRecord, LoggedClient


def test_a_new_record_claims_nothing():
    record = AccessRecord("192.0.2.7")
    assert (record.status, record.decision, record.verify, record.client) == (
        0,
        "",
        "NONE",
        NO_CLIENT,
    )


def test_a_huge_name_in_a_certificate_does_not_make_a_huge_line():
    client = LoggedClient(subject="CN=" + "a" * 100_000, issuer="b" * 100_000, serial="F" * 9_000)
    assert len(client.escaped_subject) == MAX_NAME_LENGTH
    assert len(client.issuer) == len(client.serial) == MAX_NAME_LENGTH


def test_the_subject_is_escaped_once_for_all_lines_of_the_connection():
    assert LoggedClient(subject='CN="x"\nø').escaped_subject == rb"CN=\x22x\x22\x0A\xC3\xB8"


def test_a_connection_without_a_certificate_is_logged_as_a_dash():
    assert NO_CLIENT.escaped_subject == b"-"
