"""The demo app beside the gate: its own thread, its own event loop."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import Self

from proxy.web.demo import start_demo


class DemoThread:
    """Runs the demo app while the gate runs."""

    def __init__(self) -> None:
        self._url: Future[str] = Future()
        self._stop: asyncio.Event
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._run, name="demo app", daemon=True)

    @property
    def url(self) -> str:
        """Where the app listens."""
        return self._url.result()

    def __enter__(self) -> Self:
        """Start it."""
        self._thread.start()
        self._url.result()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 -- told to whoever waits for the URL
            if not self._url.done():
                self._url.set_exception(error)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        demo = await start_demo()
        self._url.set_result(demo.url)
        await self._stop.wait()
        await demo.stop()
