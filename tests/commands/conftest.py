"""A sweep that several files compare with."""

from pathlib import Path

import pytest
from command_runs import FIGURE3, run_here


@pytest.fixture(scope="session")
def undisturbed(local_ray: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep of `FIGURE3` in a folder, one cell at a time, that nobody disturbed."""
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    done = run_here("sweep", *FIGURE3, "--out", run, "--cells-at-once", "1", "--agents-per-actor", "8")
    assert done.returncode == 0, done.stderr
    assert "Next:    python -m atp_ray.report" in done.stdout
    return run
