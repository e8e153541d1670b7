"""Applications on Ray Serve end with the last command that holds them, on a real Ray."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import ray
from ray import serve
from support import PATIENCE_S, wait_until

from actors.leases import running_leases
from atp_ray.errors import UsageError
from serve_deployments.http_port import serve_runs
from serve_deployments.lease import SharedLease, held_applications, leased, stop_application

# Where Serve runs already: it would be started for each test.
pytestmark = [pytest.mark.usefixtures("local_ray"), pytest.mark.xdist_group("engine")]


def application(name: str) -> str:
    if not serve_runs():
        serve.start(proxy_location="Disabled")

    @serve.deployment(ray_actor_options={"num_cpus": 0})
    class Nothing:
        pass

    serve.run(Nothing.bind(), name=name, route_prefix=None)
    return name


def runs(name: str) -> bool:
    return serve_runs() and name in serve.status().applications


@pytest.fixture(scope="module")
def somebody() -> Iterator[SharedLease]:
    """A command that holds nothing, beside the others: the process that keeps the leases need not start for each."""
    lease = SharedLease()
    lease.hold()
    yield lease
    lease.release(keep=False)


def test_what_two_commands_hold_ends_with_the_second_though_it_was_killed() -> None:
    was_there = serve_runs()
    second = SharedLease()
    with leased(shared=True) as one:
        one.hold("shared")
        application("shared")
        second.hold("shared")
        assert held_applications() == [("shared", 2, False)]
    assert runs("shared")
    ray.kill(second.witness)
    wait_until(lambda: not runs("shared"), "the application to be deleted")
    wait_until(lambda: running_leases() is None, "the leases to end")
    assert held_applications() == []
    assert serve_runs() == was_there  # a Serve that others started stays


def test_what_is_kept_stays_until_it_is_stopped(somebody) -> None:
    with leased(shared=True, keep=True) as lease:
        lease.hold("kept")
        application("kept")
    assert runs("kept")
    assert held_applications() == [("kept", 0, True)]
    with pytest.raises(UsageError, match="no engine is called 'other'"):
        stop_application("other")
    with leased(shared=True) as next_one:
        next_one.hold("kept")
        assert not stop_application("kept")  # it is in use
        assert runs("kept")
    assert not runs("kept")


def test_one_command_at_a_time_starts_engines(somebody) -> None:
    first, second = SharedLease(), SharedLease()
    with ThreadPoolExecutor(1) as pool:
        with first.turn():
            waiting = pool.submit(take_turn, second)
            first.hold("engine")
            assert not waiting.done()
        assert waiting.result(PATIENCE_S)
        with second.turn():
            ray.kill(second.witness)  # killed in the middle of its turn
            assert pool.submit(take_turn, first).result(PATIENCE_S)
    first.release(keep=False)
    assert held_applications() == []


def take_turn(lease: SharedLease) -> bool:
    with lease.turn():
        return True


def test_what_a_cluster_has_one_of_is_left_to_who_has_it_and_kept_by_nobody_nor_what_never_started(somebody) -> None:
    with leased(shared=True, keep=True) as lease:
        lease.hold("never")
        lease.hold_alone("one")
        application("one")
        with (
            leased(shared=True) as other,
            pytest.raises(UsageError, match="another command serves one on this cluster"),
        ):
            other.hold_alone("one")
        assert runs("one")
    assert held_applications() == []
    assert not runs("one")


def test_on_its_own_ray_a_command_holds_nothing() -> None:
    with leased(shared=False) as lease:
        lease.hold("own")
    assert held_applications() == []
