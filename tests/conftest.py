"""Fixtures that are dear: one Ray for all tests, one vLLM engine for all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from actors.model_clients import Deployment
from atp_ray.checkpoint_profiles import ModelProfile, resolve_checkpoint
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
def tiny_engine(local_ray: None, tiny: ModelProfile) -> Deployment:
    """A real vLLM engine behind Ray Serve with the embedded checkpoint, started once."""
    return deploy_models([tiny])[tiny.name]
