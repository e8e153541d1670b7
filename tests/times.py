"""`pytest --times=FILE`: what every test took, and every dear thing that was started, as Markdown tables."""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

STARTS_FILE = "ATP_RAY_TEST_STARTS"
LONGEST = 40


@contextmanager
def dear_start(kind: str) -> Iterator[None]:
    """Note that something dear (a Ray, an engine, a service, a training, a browser, a command) is being started."""
    began = time.monotonic()
    yield
    if path := os.environ.get(STARTS_FILE):
        asked_by = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" (")[0].partition("@")[0]
        with Path(path).open("a") as file:
            file.write(f"{kind}\t{time.monotonic() - began:.1f}\t{asked_by}\n")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--times", type=Path, metavar="FILE", help="write what every test took and started")


def pytest_configure(config: pytest.Config) -> None:
    target = config.getoption("--times")
    if target is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Times(target.resolve()))


class _Times:
    """Collects reports in the process that sees all of them."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._starts = target.with_suffix(".starts")
        self._seconds: dict[str, Counter[str]] = defaultdict(Counter)
        self._began = time.monotonic()
        target.parent.mkdir(parents=True, exist_ok=True)
        self._starts.write_text("")
        os.environ[STARTS_FILE] = str(self._starts)  # workers inherit it

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid.partition("@")[0]][report.when or "call"] += report.duration

    def pytest_sessionfinish(self) -> None:
        tests = {test: sum(parts.values()) for test, parts in self._seconds.items()}
        files: Counter[str] = Counter()
        for test, seconds in tests.items():
            files[test.partition("::")[0]] += seconds
        starts = [line.split("\t") for line in self._starts.read_text().splitlines()]
        kinds = Counter(kind for kind, _, _ in starts)
        whole = time.monotonic() - self._began
        lines = [f"{len(tests)} tests, {whole:.0f} s whole run, {sum(tests.values()):.0f} s of tests.", ""]
        lines += ["Started: " + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()) + ".", ""]
        lines += ["| start | seconds | asked for by |", "| --- | ---: | --- |"]
        lines += [f"| {kind} | {seconds} | {asked_by} |" for kind, seconds, asked_by in sorted(starts)]
        lines += ["", "| file | seconds |", "| --- | ---: |"]
        lines += [f"| {file} | {seconds:.1f} |" for file, seconds in files.most_common(LONGEST)]
        lines += ["", "| test | set-up | test | end |", "| --- | ---: | ---: | ---: |"]
        for test, _ in Counter(tests).most_common(LONGEST):
            parts = self._seconds[test]
            lines.append(f"| {test} | {parts['setup']:.1f} | {parts['call']:.1f} | {parts['teardown']:.1f} |")
        self._target.write_text("\n".join(lines) + "\n")
