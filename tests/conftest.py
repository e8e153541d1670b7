"""Fixtures that are dear: one Ray for all tests, one vLLM engine for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from live_service import HostedService, LiveService
from support import save_random_adapter

from actors.model_clients import Deployment
from atp_ray.checkpoint_names import model_profile, resolve_checkpoint
from atp_ray.checkpoint_profiles import ModelProfile
from serve_deployments.model_app import deploy_models
from tune_sweeps.experiment import connected

# A busy machine is no failure: examples may take as long as they need.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def local_ray() -> Iterator[None]:
    """One Ray on this machine for the whole session, with room for two engines."""
    with connected(None, n_engines=2):
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
    service = HostedService(state, "--agents", "8", "--agents-per-actor", "4", "--checkpoint", "tiny", *names)
    yield service
    service.stop()


@pytest.fixture(scope="session")
def engine(tiny_service: HostedService, tiny: ModelProfile, adapters: list[ModelProfile]) -> dict[str, Deployment]:
    """Where the engine of the service is reached by handle: the embedded checkpoint and two adapters on it, by name."""
    return deploy_models([tiny, *adapters])


@pytest.fixture(scope="session")
def tiny_engine(engine: dict[str, Deployment], tiny: ModelProfile) -> Deployment:
    """The embedded checkpoint in the shared engine."""
    return engine[tiny.name]


@pytest.fixture(scope="session")
def live_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """One simulation service for all tests that leave it as it was."""
    service = LiveService(tmp_path_factory.mktemp("service") / "state", "--agents", "16")
    yield service
    service.stop()
