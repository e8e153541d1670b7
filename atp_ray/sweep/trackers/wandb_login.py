"""Logs in to W&B in a process of its own: `python -m atp_ray.sweep.trackers.wandb_login FILE` writes why it cannot.

W&B's service goes on trying where no server answers, and who ends it waits for it, sometimes for many minutes. This
process waits for nobody, and the service ends with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

LOGIN_S = 60.0  # W&B itself waits ten for an answer
NO_KEY = "wandb has no key"


def login_problem() -> str | None:
    """Return why nobody can log in here, None where it works."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer")
        command = [sys.executable, "-m", __name__, str(answer)]
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           timeout=LOGIN_S, check=False)  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"wandb cannot be reached: no answer within {LOGIN_S:g} s"
        if not answer.exists():
            return "wandb cannot be reached: its login ended without an answer"
        return answer.read_text(encoding="utf-8") or None


def _problem() -> str:
    import wandb

    try:
        return "" if wandb.login(prompt=False, verify=True) else NO_KEY
    except wandb.Error as error:
        reason = str(error).splitlines()[0].rstrip(".")
        return f"wandb cannot be reached: {reason[:300]}"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(_problem(), encoding="utf-8")
    os._exit(0)
