"""Problems of the files that a configuration names."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from proxy.errors import CertgateError, ConfigError, Problem
from proxy.tls.files import WrongFileError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_T = TypeVar("_T")


class Faults:
    """Problems found on the way, so that all are told at once."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def collect(self, key: str, load: Callable[[], _T]) -> _T | None:
        """Return what was loaded, or note why it could not be.

        Args:
            key: what is at fault; where one of the keys below it names the file, that one is.
            load: what may fail.
        """
        try:
            return load()
        except WrongFileError as error:
            self._problems.append(Problem("", f"{key}.{error.given_as}", str(error)))
        except CertgateError as error:
            self._problems.append(Problem("", key, str(error)))
        return None

    def raise_if_any(self) -> None:
        """End here if anything was wrong.

        Raises:
            ConfigError: with every problem.
        """
        if self._problems:
            raise ConfigError(self._problems)


def load_all(
    paths: tuple[Path, ...],
    key: str,
    load: Callable[[Path], tuple[_T, ...]],
    faults: Faults,
) -> tuple[_T, ...]:
    """Return what is in all these files; what cannot be read is a fault of ``key``."""
    loaded: list[_T] = []
    for path in paths:
        loaded += faults.collect(key, lambda path=path: load(path)) or ()  # type: ignore[misc]
    return tuple(loaded)
