"""Sandboxes for tests, warm and closed at the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from atp_ray.sandbox.limits import SandboxLimits
from atp_ray.sandbox.pool import SandboxPool


@asynccontextmanager
async def started_pool(**limits: Any) -> AsyncIterator[SandboxPool]:
    """Start a pool with these limits; it is closed when the block ends."""
    pool = SandboxPool(limits=SandboxLimits(**limits))
    await pool.start()
    yield pool
    await pool.close()
