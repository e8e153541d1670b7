"""From chances to what is done: which option a random number stands for."""

import numpy as np
import pytest

from atp_ray.play.chances import of_two_options, options_drawn


def test_the_deviant_option_comes_first_and_the_other_takes_the_rest() -> None:
    assert of_two_options(np.array([0.0, 0.25, 1.0])).tolist() == [[0.0, 1.0], [0.25, 0.75], [1.0, 0.0]]


@pytest.mark.parametrize(
    ("uniform", "option"), [(0.0, 0), (0.249, 0), (0.25, 1), (0.749, 1), (0.75, 2), (0.9999999, 2)]
)
def test_each_option_has_its_own_stretch_of_the_numbers_from_0_to_1(uniform: float, option: int) -> None:
    drawn = options_drawn(np.array([[0.25, 0.5, 0.25]]), np.array([uniform]))
    assert (drawn.tolist(), drawn.dtype) == ([option], np.int8)


def test_an_option_that_is_certain_is_taken_even_where_the_chances_add_up_to_less_than_one() -> None:
    almost = np.array([[0.0, 0.0, 0.9999999999], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert options_drawn(almost, np.array([0.99999999999, 0.0, 0.999])).tolist() == [2, 0, 1]
