"""Errors of certgate itself, where a test wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


class Fault:
    """Puts an exception in the place of a function, after so many good calls.

    Attributes:
        is_armed: it raises; else calls are neither counted nor touched.
    """

    def __init__(
        self, patch: pytest.MonkeyPatch, owner: object, name: str, spared: int = 0
    ) -> None:
        self._function = getattr(owner, name)
        self._spared = spared
        self.is_armed = True
        patch.setattr(owner, name, self._called())

    def _called(self) -> Callable[..., object]:
        def function(*arguments: object, **named: object) -> object:
            if self.is_armed and not self._spared:
                raise RuntimeError("surprise")
            self._spared -= self.is_armed
            return self._function(*arguments, **named)

        return function  # a function, so that it can be a method
