"""Several findings about one list, each at its own place, as one error of pydantic's."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

T = TypeVar("T")
Place = tuple[str | int, ...]
Finding = tuple[Place, str]


def rejection(*findings: Finding) -> ValidationError:
    """Return the exception that reports each finding at its place below the present value."""
    return ValidationError.from_exception_data(
        "configuration",
        [
            InitErrorDetails(
                type=PydanticCustomError("rule", "{message}", {"message": message}),
                loc=place,
                input=None,
            )
            for place, message in findings
        ],
    )


def raise_any(findings: Iterable[Finding]) -> None:
    """Report all of them at once, if there is one.

    Raises:
        ValidationError: with each finding.
    """
    found = list(findings)
    if found:
        raise rejection(*found)


def repetitions(
    entries: Iterable[T], identity_of: Callable[[T], Hashable], message: str, *place: str
) -> Iterator[Finding]:
    """Yield the message for each entry that an earlier one has made superfluous.

    Args:
        entries: of a list.
        identity_of: two entries with equal results are the same.
        message: what to say about the later one.
        place: the key below the entry that is at fault.
    """
    seen: set[Hashable] = set()
    for index, entry in enumerate(entries):
        identity = identity_of(entry)
        if identity in seen:
            yield (index, *place), message
        seen.add(identity)
