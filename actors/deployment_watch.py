"""Whether a deployment on Ray Serve can still answer: waiting in line is no failure, waiting for nobody is."""

from __future__ import annotations

import asyncio
import time

LOOK_EVERY_S = 30.0


class DeploymentWatch:
    """Looks after one deployment for all who wait for it.

    Args:
        patience_s: how long it may be without a running replica (one that was lost is started again), seconds.
    """

    def __init__(self, app_name: str, deployment_name: str, patience_s: float) -> None:
        self._app_name = app_name
        self._deployment_name = deployment_name
        self._patience_s = patience_s
        self._looking = asyncio.Lock()
        self._looked = self._seen = time.monotonic()

    @property
    def every_s(self) -> float:
        """How often it is worth asking, seconds."""
        return min(LOOK_EVERY_S, self._patience_s)

    async def gone(self) -> bool:
        """Return whether it has been without a running replica for too long; while it is being deployed it is not."""
        async with self._looking:  # thousands may wait, Serve is asked once
            now = time.monotonic()
            if now >= self._looked + self.every_s / 2:
                pause, self._looked = now - self._looked, now
                if await asyncio.to_thread(self._alive):
                    self._seen = now
                elif pause > 2 * self.every_s:
                    self._seen = now - self.every_s  # nobody looked for a while
            return now > self._seen + self._patience_s

    def _alive(self) -> bool:
        from ray import serve  # agents know this module's callers and do not pay for Serve
        from ray.serve.schema import ApplicationStatus

        application = serve.status().applications.get(self._app_name)
        if application is None:
            return False
        deployment = application.deployments.get(self._deployment_name)
        running = deployment is not None and deployment.replica_states.get("RUNNING", 0) > 0
        return bool(running or application.status == ApplicationStatus.DEPLOYING)
