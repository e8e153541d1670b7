"""Processes that must not outlive the one they work for."""

from __future__ import annotations

import multiprocessing
import os
import threading


def end_with_parent() -> None:
    """End this process once the one that asked for it is gone, however that ended; a fork server is not meant.

    A replica that is killed would else leave its engine behind, with all its memory, waiting for requests for ever.
    """
    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=_end_after, args=(parent,), name="parent watch", daemon=True).start()


def _end_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)
