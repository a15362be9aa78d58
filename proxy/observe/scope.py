"""Where a text with variables stands, and so which of them it may name.

A variable without a value yet is empty, or 0: a header that is made of it would never be sent, or
would tell an app what is not so. Such a text is refused when the configuration is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from proxy.errors import CertgateError
from proxy.observe.variables import STAGES, Stage, find_variable, vouched_variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.observe.variables import Getter

_LONE: Final = "a $ begins the name of a variable: $host, or $${host} before letters"
_FAMILIES: Final = ("arg_NAME", "cookie_NAME", "http_NAME")
_TOO_LATE: Final = {
    Stage.CLOCK: "is another one each time",
    Stage.RESPONSE: "is known only with the response",
    Stage.END: "is for the access log alone",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """A place of the configuration in which variables are replaced.

    Attributes:
        stage: the last one whose variables have a value by then.
        look_up: returns what a variable stands for there.
    """

    stage: Stage
    look_up: Callable[[str], Getter | None] = vouched_variable

    @property
    def names(self) -> list[str]:
        """What may be named, for people."""
        known = (name for name, stage in STAGES.items() if stage <= self.stage)
        return sorted((*known, *_FAMILIES))

    def find(self, name: str) -> Getter:
        """Return what a variable stands for.

        Raises:
            CertgateError: there is no such variable, or it has no value here; with what to write.
        """
        if not name:
            raise CertgateError(
                "a $ begins the name of a variable: $host, or $${host} before letters"
            )
        stage = STAGES.get(name, Stage.REQUEST)
        if stage > self.stage:
            raise CertgateError(f"${name} {_TOO_LATE[stage]}; here there are: {self._listed}")
        getter = self.look_up(name)
        if getter is None:
            raise CertgateError(self._advice(name))
        return getter

    @property
    def _listed(self) -> str:
        return ", ".join(self.names)

    def _advice(self, name: str) -> str:
        near = get_close_matches(name.lower(), self.names, n=1, cutoff=0.75)
        if near:
            return f"no variable ${name}; did you mean ${near[0]}?"
        if name.startswith("http_"):
            return (
                f"${name} is not to be had: the field is one of the connection, or one under which"
                " somebody would forge an identity"
            )
        return f"no variable ${name}; there are: {self._listed}"


CHOICE: Final = Scope(Stage.REQUEST)
"""By which a server is chosen: the same request is to get the same one."""

REQUEST: Final = Scope(Stage.CLOCK)
"""Fields for the app, and answers in its place."""

RESPONSE: Final = Scope(Stage.RESPONSE)
"""Fields for the client."""

LOG: Final = Scope(Stage.END, find_variable)
"""The access log: also what a certificate says that nobody vouches for."""
