"""An export whose package is not installed says so in one line."""

import sys

import pytest
from inspect_runs import write_sweep
from support import play

from atp_ray.errors import UsageError
from atp_ray.report.__main__ import main


def test_the_package_an_export_needs_is_named(tmp_path, monkeypatch) -> None:
    write_sweep(tmp_path, {"checkpoints": ["policy:quantal"], "thresholds": [4], "scenarios": "info_sharing"}, play)
    for name in ("inspect_ai", "inspect_ai.log"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "atp_ray.report.exports.inspect_logs", raising=False)
    with pytest.raises(UsageError, match=r"^--to inspect: needs the package inspect_ai.*atp_ray\[inspect\]"):
        main(["export", str(tmp_path), "--to", "inspect"])
