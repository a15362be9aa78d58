"""Errors that a person reads: one sentence that says what is wrong, where, and what to do."""

from __future__ import annotations

from dataclasses import dataclass


class CertgateError(Exception):
    """Something the operator can mend; its text is printed as it is and the exit code is 1."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a configuration, as it is shown to the operator.

    Attributes:
        where: file, line and column as far as known, e.g. ``gate.yaml:12``.
        key: the dotted key, e.g. ``tls.private_key``; empty for the file as a whole.
        message: what is wrong and what to do.
    """

    where: str
    key: str
    message: str

    def __str__(self) -> str:
        """Return ``where: key: message`` without the empty parts."""
        return ": ".join(part for part in (self.where, self.key, self.message) if part)


class ConfigError(CertgateError):
    """A configuration that cannot be used, with every problem found in one pass."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
