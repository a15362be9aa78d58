"""A real app that knows nothing of the gate works through it unchanged."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.gate import Browser, context, running_gate
from tests.upstreams.apps import running_guestbook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gate import Gate


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gate in front of the guestbook; shared by the module."""
    folder = tmp_path_factory.mktemp("gate")
    with running_guestbook() as url, running_gate(folder, url) as running:
        yield running


@pytest.fixture
def browser(gate: Gate) -> Browser:
    """A browser without cookies."""
    return Browser(gate)


def test_a_session_survives_over_requests(browser: Browser):
    """The app's cookie goes there and back."""
    assert browser.text("/") == "nobody was here 1 times"
    assert browser.text("/") == "nobody was here 2 times"


def test_a_login_redirects_to_where_the_visitor_came_from(browser: Browser):
    """A POST, a 302, a GET with the new cookie."""
    with browser.open("/login", urllib.parse.urlencode({"user": "alice"}).encode()) as response:
        assert response.read() == b"alice was here 1 times"
        assert urllib.parse.urlsplit(response.url).path == "/"


def test_a_file_upload_arrives_whole(browser: Browser):
    """Multipart, three megabytes, with a field beside the file."""
    content = bytes(range(256)) * 12_000
    boundary = uuid.uuid4().hex
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    body += content + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    assert json.loads(browser.text("/upload", body, **headers)) == {
        "name": "a.bin",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "note": "hello",
    }


def test_a_streamed_answer_without_a_length_arrives_whole(browser: Browser):
    """The app closes the connection to say that it is done."""
    assert browser.text("/stream").splitlines() == [f"line {number}" for number in range(1000)]


def test_the_app_sees_the_visitors_url_and_fields(browser: Browser):
    """Host is the client's, the query is untouched, ordinary fields pass."""
    told = json.loads(browser.text("/echo?a=b%20c&d=%2F", b"body", Accept="application/json"))
    assert told["method"] == "POST"
    assert told["url"].startswith("http://localhost:")
    assert told["path"] == "/echo?a=b%20c&d=%2F"
    assert told["body"] == "body"
    headers = dict(told["headers"])
    assert headers["Accept"] == "application/json"
    assert headers["X-Forwarded-Proto"] == "https"
    assert headers["X-Ssl-Client-Cn"] == "alice"


def test_a_stranger_gets_nothing_of_it(gate: Gate):
    """Not even that there is a login."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(gate.url("/login"), context=context("none"), timeout=20)  # noqa: S310
    with refused.value as error:
        assert error.code == 403
        assert error.headers["Set-Cookie"] is None
