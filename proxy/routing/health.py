"""Whether a server is worth asking, learnt from how requests to it went (nginx's passive checks).

nginx's rules (``ngx_http_upstream_round_robin.c``): ``max_fails`` failures within ``fail_timeout``
take a server out for ``fail_timeout``; then one request at a time may try it, until one succeeds.
"""

from __future__ import annotations

_LONG_AGO = float("-inf")


class Health:
    """What is known about one server. Time is an argument: seconds of any steady clock.

    Attributes:
        fails: failures that count at present.
    """

    __slots__ = ("_checked", "_fail_timeout", "_failed", "_max_fails", "fails")

    def __init__(self, max_fails: int, fail_timeout: float) -> None:
        """Begin as healthy.

        Args:
            max_fails: how many failures take the server out; 0 for never.
            fail_timeout: seconds in which they are counted, and for which it is out.
        """
        self._max_fails = max_fails
        self._fail_timeout = fail_timeout
        self.fails = 0
        self._failed = _LONG_AGO  # the last failure
        self._checked = _LONG_AGO  # the last failure, or the begin of the present window

    @property
    def is_down(self) -> bool:
        """Enough has failed, and nothing has succeeded since."""
        return 0 < self._max_fails <= self.fails

    @property
    def fit_after(self) -> float:
        """The time after which a request may be sent."""
        return self._checked + self._fail_timeout if self.is_down else _LONG_AGO

    def is_fit(self, now: float) -> bool:
        """Tell whether a request may be sent."""
        return now > self.fit_after

    def chosen(self, now: float) -> None:
        """Note that a request is sent; of a server that is down, it is the one that tries it.

        One that is asked as the last resort, within its time, is tried like any other: its answer
        ends the emergency.
        """
        if self.is_down or now - self._checked > self._fail_timeout:
            self._checked = now

    def failed(self, now: float) -> bool:
        """Note a failure; tell whether it took the server out."""
        was_down = self.is_down
        self.fails += 1
        self._failed = self._checked = now
        return self.is_down and not was_down

    def succeeded(self) -> bool:
        """Note a success; tell whether it brought the server back.

        Failures are forgotten by a success in a later window than theirs. One in the same window
        proves nothing: a server that fails every second request is not healthy.
        """
        was_down = self.is_down
        if self._failed < self._checked:
            self.fails = 0
        return was_down and not self.is_down
