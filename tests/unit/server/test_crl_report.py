"""The error log says when a list does not count, and when one must be signed again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from proxy.server.crl_report import report_lists
from tests.pki import DAY, START, crl_pem, impostor, trust
from tests.unit.server.world import snapshot_of

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from datetime import datetime
    from pathlib import Path

ISSUER = trust().root.subject.rfc4514_string()
NEVER = "its clients are refused"


def reported(folder: Path, now: datetime, **keys: object) -> list[MutableMapping[str, Any]]:
    """Return what is logged about the folder's lists at this time."""
    trusted = {"ca": "ca.crt", "crl": ["list"], **keys}
    snapshot = snapshot_of(folder, client_auth=trusted)
    with capture_logs() as logs:
        report_lists(snapshot, now.timestamp())
    return logs


def write(folder: Path, days: float) -> str:
    """Write a list that lives for so many days from the start; return its end."""
    ends = START + days * DAY
    (folder / "list").write_bytes(crl_pem(trust().root.crl(next_update=ends)))
    return f"{ends:%Y-%m-%d}"


def test_while_there_is_time_nothing_is_said(tmp_path: Path):
    write(tmp_path, 31)
    assert reported(tmp_path, START) == []


@pytest.mark.parametrize(
    ("stale", "consequence"), [("refuse", NEVER), ("warn", "revocations since then are unknown")]
)
def test_from_thirty_days_before_it_says_which_and_when(
    tmp_path: Path, stale: str, consequence: str
):
    ends = write(tmp_path, 12.5)
    assert reported(tmp_path, START, crl_stale=stale) == [
        {
            "log_level": "warning",
            "event": "crl must be signed again",
            "issuer": ISSUER,
            "next_update": ends,
            "days": 12,
            "otherwise": consequence,
        }
    ]


@pytest.mark.parametrize(
    ("stale", "consequence"), [("refuse", NEVER), ("warn", "revocations since then are unknown")]
)
def test_after_its_end_it_is_an_error(tmp_path: Path, stale: str, consequence: str):
    ends = write(tmp_path, 12)
    assert reported(tmp_path, START + 12 * DAY, crl_stale=stale) == [
        {
            "log_level": "error",
            "event": "crl is stale",
            "issuer": ISSUER,
            "next_update": ends,
            "effect": consequence,
        }
    ]


def test_a_list_that_does_not_count_is_an_error(tmp_path: Path):
    (tmp_path / "list").write_bytes(crl_pem(impostor().crl()))
    [log] = reported(tmp_path, START)
    assert (log["event"], log["log_level"]) == ("crl not usable", "error")
    assert log["issuer"] == impostor().certificate.subject.rfc4514_string()


@pytest.mark.parametrize("stale", ["refuse", "warn"])
def test_a_list_of_the_future_is_an_error(tmp_path: Path, stale: str):
    """All its clients are refused by then, and the log must say why."""
    begins, ends = START + 2 * DAY, START + 90 * DAY
    crl = trust().root.crl(last_update=begins, next_update=ends)
    (tmp_path / "list").write_bytes(crl_pem(crl))
    assert reported(tmp_path, START, crl_stale=stale) == [
        {
            "log_level": "error",
            "event": "crl is not valid yet",
            "issuer": ISSUER,
            "this_update": f"{begins:%Y-%m-%d}",
            "effect": "until then its clients are refused",
        }
    ]
    assert reported(tmp_path, begins, crl_stale=stale) == []


def test_lists_that_nobody_looks_into_are_not_talked_about(tmp_path: Path):
    write(tmp_path, 1)
    assert reported(tmp_path, START, crl_check="off") == []
