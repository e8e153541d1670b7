"""Seeds and streams are a promise: results of the same version can be repeated, whoever asks."""

import pytest

from atp_ray.play.randomness import derive_seed, round_generator


def test_seeds_depend_on_every_part() -> None:
    seeds = {derive_seed("episode", 0, round_number, seat) for round_number in range(20) for seat in range(20)}
    assert len(seeds) == 400
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert derive_seed("ab", "c") != derive_seed("a", "bc")


@pytest.mark.parametrize(
    ("parts", "bits", "seed"),
    [
        (("e", 1, 2), 31, 1238716604),
        (("e", 1, 2), 63, 5320247303650718566),
        (("episode-7", 3, 2, 5, 1), 31, 1688390818),
    ],
)
def test_seeds_are_as_recorded(parts, bits, seed) -> None:
    assert derive_seed(*parts, bits=bits) == seed


def test_a_rounds_stream_is_as_recorded_and_depends_on_episode_seed_and_round() -> None:
    assert round_generator("e", 1, 2).random(2).tolist() == [0.19337576540411638, 0.6350850803674726]
    firsts = {round_generator(*key).random() for key in [("e", 1, 2), ("e", 1, 3), ("e", 2, 2), ("f", 1, 2)]}
    assert len(firsts) == 4
