"""Session fixtures that end after the last test of a group that uses them, not with the session.

An idle Ray with its services takes memory, and up to a tenth of a core, from every test that comes after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

ENDING_EARLY = ("local_ray", "live_service", "guarded", "browser")
_Left = Counter[tuple[str, str]]  # tests still to come, by group and fixture
_LEFT = pytest.StashKey[_Left]()


def group_of(item: pytest.Item) -> str:
    """Return the group of tests that run one after the other on one worker; empty for a test that runs anywhere."""
    mark = item.get_closest_marker("xdist_group")
    return "" if mark is None else str(mark.args[0])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """End fixtures that nobody of the group wants any more; what depends on them ends first."""
    result = yield
    if _LEFT not in item.session.stash:
        item.session.stash[_LEFT] = Counter(use for each in item.session.items for use in _uses(each))
    left = item.session.stash[_LEFT]
    left.subtract(_uses(item))
    for use in _uses(item):
        if not left[use]:
            for fixture in item.session._fixturemanager.getfixturedefs(use[1], item) or ():
                fixture.finish(item._request)
    return result


def _uses(item: pytest.Item) -> list[tuple[str, str]]:
    return [(group_of(item), name) for name in ENDING_EARLY if name in getattr(item, "fixturenames", ())]
