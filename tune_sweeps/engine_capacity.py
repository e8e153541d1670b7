"""How many requests the engines of an experiment decode at once; how much plays at once follows from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from actors.seats_in_play import POLICIES, Capacity
from atp_ray.checkpoint.profiles import EndpointProfile, ModelProfile, Profile
from serve_deployments.engine_groups import engine_groups

POLICY_REQUESTS = 256  # policies decide at once: enough to fill the calls to their hosts, not a whole grid


def engine_capacity(
    profiles: Sequence[Profile], replicas: Mapping[str, int], n_hosts: int, coordinators: int = 1
) -> Capacity:
    """Return what engines decode at once, one coordinator's share of it.

    Args:
        replicas: of each engine, by its model's id.
        n_hosts: agent actors; an endpoint bounds what each of them may ask at once.
    """
    requests = {POLICIES: POLICY_REQUESTS}
    engines: dict[str, str] = {}
    for group in engine_groups(profile for profile in profiles if isinstance(profile, ModelProfile)):
        requests[group.model_id] = group.base.engine.max_num_seqs * replicas[group.model_id]
        engines |= {profile.name: group.model_id for profile in group.members}
    for profile in profiles:
        if isinstance(profile, EndpointProfile):
            requests[profile.name], engines[profile.name] = profile.concurrency * n_hosts, profile.name
    return Capacity({name: math.ceil(most / coordinators) for name, most in requests.items()}, engines)
