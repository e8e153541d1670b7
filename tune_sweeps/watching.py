"""Looking at something from time to time while it is under way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

POLL_S = 0.5


@contextmanager
def watching(look: Callable[[], None]) -> Iterator[None]:
    """Call `look` about twice a second, from another thread, as long as the block runs."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(POLL_S):
            look()

    watcher = threading.Thread(target=watch, name="progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
