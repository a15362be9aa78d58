"""``serve`` starts on certificates that have ended, because they may be renewed; it says so."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tests.pki import START, trust

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate.fixtures import StartGate

DAY = dt.timedelta(days=1)


def test_an_expired_server_certificate_is_a_warning_at_the_start_and_at_a_reload(
    start_gate: StartGate, tmp_path: Path
):
    good = start_gate()
    assert "expired" not in good.stderr.text

    trust().web.server(not_before=START - 9 * DAY, not_after=START - DAY).write(tmp_path, "old")
    files = {"certificate": "old.crt", "private_key": "old.key"}
    gate = start_gate(tls=files)
    pattern = r"warning .*tls\.certificate: .* expired on .*: browsers refuse it"
    gate.stderr.wait_for(pattern)
    seen = len(gate.stderr.lines)
    gate.reload()
    gate.stderr.wait_for(pattern, after=seen)
