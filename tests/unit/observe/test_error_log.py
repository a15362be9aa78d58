"""The error log on stderr: readable, unforgeable, and not to be flooded."""

import errno
import io
import json
import logging
import sys

import pytest
import structlog

from proxy.observe.error_log import MAX_VALUE_LENGTH, RateLimit, configure_logging, render_line


@pytest.fixture(autouse=True)
def restored():
    """Logging is global: every test puts it back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("aiohttp.access").setLevel(logging.NOTSET)
    structlog.reset_defaults()


def rendered(**event: object) -> str:
    """Render an event as text."""
    return render_line(None, "", event)


class TestLines:
    def test_an_event_is_time_level_text_and_pairs(self, capsys: pytest.CaptureFixture[str]):
        configure_logging()
        structlog.get_logger().warning("certificate refused", code="denied", client="192.0.2.7")
        line = capsys.readouterr().err
        moment, rest = line.split(" ", 1)
        assert moment[-1] == "Z"
        assert len(moment) == len("2026-11-23T16:00:00Z")
        assert rest == "warning  certificate refused  code=denied client=192.0.2.7\n"

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            ("plain", "k=plain"),
            ("", 'k=""'),
            ("two words", 'k="two words"'),
            ("a=b", 'k="a=b"'),
            ('say "hi"', r'k="say \"hi\""'),
            ("line\nbreak", r'k="line\nbreak"'),
            ("\x1b[2J\u202e", r'k="\u001b[2J\u202e"'),
            (7, "k=7"),
            (None, "k=None"),
        ],
    )
    def test_a_value_cannot_be_mistaken_for_anything_else(self, value: object, shown: str):
        assert rendered(event="text", k=value).endswith(f"  {shown}")

    def test_a_text_cannot_break_the_line(self):
        assert rendered(event="one\ntwo") == r"          one\ntwo"

    def test_a_huge_value_is_cut(self):
        assert len(rendered(event="x", value="v" * 100_000)) < MAX_VALUE_LENGTH + 100

    def test_an_exception_follows_indented_so_that_it_cannot_forge_a_line(
        self, capsys: pytest.CaptureFixture[str]
    ):
        configure_logging()
        try:
            raise ValueError("x\n2026-11-23T16:00:00Z info     all is well")  # noqa: TRY301
        except ValueError:
            structlog.get_logger().exception("broken")
        first, *others = capsys.readouterr().err.splitlines()
        assert first.endswith("error    broken")
        assert others
        assert all(line.startswith("    ") for line in others)

    def test_json_is_one_object_per_line(self, capsys: pytest.CaptureFixture[str]):
        configure_logging(json=True)
        structlog.get_logger().info("started", path="a\nb")
        event = json.loads(capsys.readouterr().err)
        assert (event["event"], event["level"], event["path"]) == ("started", "info", "a\nb")

    def test_less_severe_events_are_left_out(self, capsys: pytest.CaptureFixture[str]):
        configure_logging("warning")
        structlog.get_logger().info("chatter")
        assert capsys.readouterr().err == ""


class TestOtherLibraries:
    def test_log_into_the_same_lines(self, capsys: pytest.CaptureFixture[str]):
        configure_logging()
        logging.getLogger("asyncio").warning("slow %s", "callback")
        assert capsys.readouterr().err.endswith("warning  slow callback  logger=asyncio\n")

    def test_are_limited_by_their_template_not_by_their_text(
        self, capsys: pytest.CaptureFixture[str]
    ):
        configure_logging(per_second=2)
        for number in range(50):
            logging.getLogger("asyncio").warning("client %s", number)
        assert capsys.readouterr().err.count("client") == 2


def test_quotation_marks_of_our_messages_stay_readable_and_nothing_else_does():
    line = rendered(event="e", problem="“a” is…", name="\\u201c “\u202e”\n")
    assert line.endswith('problem="“a” is…" name="' + r'\\u201c “\u202e”\n"')


class TestRateLimit:
    def test_the_rest_of_a_second_is_counted_and_told_with_the_next_line(self):
        limit = RateLimit(2)
        assert [limit.admit("e", 0.0) for _ in range(5)] == [0, 0, None, None, None]
        assert limit.admit("e", 1.0) == 3
        assert limit.admit("e", 1.1) == 0

    def test_each_event_has_its_own_limit(self):
        limit = RateLimit(1)
        assert (limit.admit("a", 0.0), limit.admit("b", 0.0), limit.admit("a", 0.0)) == (0, 0, None)

    def test_memory_is_bounded_however_many_events_there_are(self):
        limit = RateLimit(1)
        for number in range(10_000):
            limit.admit(f"event {number}", 0.0)
        assert len(limit._events) <= 256

    def test_warnings_are_limited_and_errors_are_not(self, capsys: pytest.CaptureFixture[str]):
        configure_logging(per_second=3)
        log = structlog.get_logger()
        for _ in range(20):
            log.warning("handshake failed")
            log.error("worker died")
        shown = capsys.readouterr().err
        assert shown.count("handshake failed") == 3
        assert shown.count("worker died") == 20

    def test_the_next_line_says_how_many_were_left_out(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ):
        now = [0.0]
        monkeypatch.setattr("proxy.observe.error_log.time.monotonic", lambda: now[0])
        configure_logging(per_second=1)
        log = structlog.get_logger()
        for _ in range(5):
            log.warning("handshake failed")
        now[0] = 2.0
        log.warning("handshake failed")
        assert capsys.readouterr().err.endswith("handshake failed  suppressed=4\n")


def test_a_missing_stderr_is_survived(monkeypatch: pytest.MonkeyPatch):
    configure_logging()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", None)
        structlog.get_logger().error("nobody reads this")


class FullDisk(io.StringIO):
    """A stderr that goes to a file on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_stderr_is_survived(monkeypatch: pytest.MonkeyPatch):
    configure_logging()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", FullDisk())
        structlog.get_logger().error("nobody reads this")
