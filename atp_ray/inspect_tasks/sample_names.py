"""What samples are called: by their scenario, numbered where a cell plays it with several prompts or problems."""

from __future__ import annotations

from collections.abc import Sequence

from atp_ray.play.episodes import EpisodeSpec


def sample_names(episodes: Sequence[EpisodeSpec]) -> list[str]:
    """Return a name for each episode of a cell; episodes that differ in nothing but their seed have the same."""
    met: dict[str, dict[str, int]] = {}
    places = []
    for spec in episodes:
        known = met.setdefault(spec.scenario.name, {})
        number = known.setdefault(spec.model_dump_json(exclude={"seed"}), len(known) + 1)
        places.append((spec.scenario.name, number))
    return [name if len(met[name]) == 1 else f"{name}-{number}" for name, number in places]
