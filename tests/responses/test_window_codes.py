"""A window as a number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_ray.errors import UsageError
from atp_ray.responses.window_codes import WindowCodes


@given(n_names=st.integers(2, 4), memory=st.integers(1, 3), data=st.data())
def test_a_code_is_the_window_that_led_to_it(n_names, memory, data) -> None:
    codes = WindowCodes(n_names, memory)
    own_UH, other_UH = codes.windows()
    name = st.integers(0, n_names - 1)
    met = data.draw(st.lists(st.tuples(name, name), max_size=6))
    code = np.zeros(1, dtype=np.int32)
    for own, other in met:
        code = codes.remembered(code, np.array([own], np.int8), np.array([other], np.int8))
    last = met[-memory:]
    empty = [-1] * (memory - len(last))
    assert own_UH[code[0]].tolist() == [*empty, *(own for own, _ in last)]
    assert other_UH[code[0]].tolist() == [*empty, *(other for _, other in last)]


def test_a_full_memory_of_one_name() -> None:
    codes = WindowCodes(3, 4)
    own_UH, other_UH = codes.windows()
    assert own_UH[codes.full_of(2)].tolist() == other_UH[codes.full_of(2)].tolist() == [2, 2, 2, 2]


def test_ten_names_have_codes_of_64_bits_and_more_windows_than_integers_are_refused() -> None:
    codes = WindowCodes(10, 5)
    last = np.array([codes.full_of(9)], dtype=codes.dtype)
    assert codes.dtype == np.int64
    after = codes.remembered(last, np.array([3], np.int8), np.array([0], np.int8))
    assert [names[0].tolist() for names in codes.windows_of(after)] == [[9, 9, 9, 9, 3], [9, 9, 9, 9, 0]]
    with pytest.raises(UsageError, match=r"26 names, memory 7: .* different windows"):
        WindowCodes(26, 7)
