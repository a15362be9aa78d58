"""Plain counters of one worker: what was refused, what failed, what was answered.

Every key is a word of ours or of OpenSSL; nothing that a client sends becomes a key, so memory is
bounded and a metric's labels cannot be chosen by an attacker.
"""

from __future__ import annotations

from typing import Final

# OpenSSL has hundreds of reasons and peers choose which they provoke.
MAX_REASONS: Final = 64
OTHER: Final = "other"

Counts = dict[str, int]


class Counters:
    """Counts since the worker started.

    Attributes:
        connections: downstream connections accepted.
        handshake_failures: handshakes that ended without TLS, by reason.
        refusals: refused requests, by the refusal's code.
        responses: responses sent, by status class (``2xx``).
        turned_away_by: what was too much, by what it was and for whom (``requests/address``).
        health_changes: servers that probes found down, or up again, by ``upstream name/down`` and
            ``upstream name/up``.
        probe_failures: failed probes, by ``upstream name/code``.
        upstream_errors: failures by ``upstream name/code``; both come from our own configuration.
    """

    __slots__ = (
        "_classes",
        "connections",
        "handshake_failures",
        "health_changes",
        "probe_failures",
        "refusals",
        "turned_away_by",
        "upstream_errors",
    )

    def __init__(self) -> None:
        self.connections = 0
        self.handshake_failures: Counts = {}
        self.health_changes: Counts = {}
        self.probe_failures: Counts = {}
        self.refusals: Counts = {}
        self.turned_away_by: Counts = {}
        self.upstream_errors: Counts = {}
        self._classes = [0] * 10

    def handshake_failed(self, reason: str) -> None:
        """Count a handshake that failed, e.g. ``timeout`` or OpenSSL's reason string."""
        counts = self.handshake_failures
        if reason not in counts and len(counts) >= MAX_REASONS:
            reason = OTHER
        counts[reason] = counts.get(reason, 0) + 1

    def refused(self, code: str) -> None:
        """Count a refused request by its refusal code."""
        self.refusals[code] = self.refusals.get(code, 0) + 1

    def turned_away(self, what: str) -> None:
        """Count a request or connection over a limit; ``what`` is one of a few words of ours."""
        self.turned_away_by[what] = self.turned_away_by.get(what, 0) + 1

    def answered(self, status: int) -> None:
        """Count a response by the class of its status code."""
        self._classes[status // 100 % 10] += 1

    def upstream_failed(self, upstream: str, code: str) -> None:
        """Count a failure of an upstream, by its name and the error code of the page."""
        _count(self.upstream_errors, f"{upstream}/{code}")

    def probe_failed(self, upstream: str, code: str) -> None:
        """Count a probe of one of an upstream's servers that failed, by the error code."""
        _count(self.probe_failures, f"{upstream}/{code}")

    def health_changed(self, upstream: str, *, is_up: bool) -> None:
        """Count a server that probes found down, or up again."""
        _count(self.health_changes, f"{upstream}/{'up' if is_up else 'down'}")

    @property
    def responses(self) -> Counts:
        """Responses by status class; classes without a response are left out."""
        return {f"{number}xx": count for number, count in enumerate(self._classes) if count}

    def as_dict(self) -> dict[str, int | Counts]:
        """Return all counts as plain data, for a status page or for adding workers up."""
        return {
            "connections": self.connections,
            "handshake_failures": dict(self.handshake_failures),
            "health_changes": dict(self.health_changes),
            "probe_failures": dict(self.probe_failures),
            "refusals": dict(self.refusals),
            "responses": self.responses,
            "turned_away_by": dict(self.turned_away_by),
            "upstream_errors": dict(self.upstream_errors),
        }


def _count(counts: Counts, key: str) -> None:
    counts[key] = counts.get(key, 0) + 1
