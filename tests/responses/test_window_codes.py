"""A window as a number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_ray.errors import UsageError
from atp_ray.responses.responder import Responder
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
    many = WindowCodes(26, 6)  # codes that a float cannot hold
    last = np.array([many.full_of(25)], dtype=many.dtype)
    after = many.remembered(last, np.array([3], np.int8), np.array([0], np.int8))
    assert [names[0].tolist() for names in many.windows_of(after)] == [[25] * 5 + [3], [25] * 5 + [0]]
    assert (WindowCodes(2, 13).dtype, WindowCodes(6, 6).dtype) == (np.int32, np.int64)  # 1.2 and 2.6 thousand millions
    with pytest.raises(
        UsageError, match=r"26 names, memory 7: .* different windows\. At most 4\.6e\+18 can be predicted"
    ):
        WindowCodes(26, 7)


def test_codes_are_small_integers_and_a_gap_is_no_window() -> None:
    codes = WindowCodes(2, 2)
    assert (codes.base, codes.n_windows, codes.dtype, codes.tabulated) == (5, 25, np.int32, True)
    after = codes.remembered(np.array([0, 7]), np.array([1, 0], np.int8), np.array([0, 1], np.int8))
    assert (after.tolist(), after.dtype) == ([3, 2 * 5 + 2], np.int32)
    own_UH, other_UH = codes.windows()
    assert own_UH.dtype == other_UH.dtype == np.int8
    assert own_UH[[0, 3, 5, 12]].tolist() == [[-1, -1], [-1, 1], [-1, -1], [0, 0]]
    assert other_UH[[0, 3, 5, 12]].tolist() == [[-1, -1], [-1, 0], [-1, -1], [1, 1]]


def test_windows_without_a_table_are_reckoned_once() -> None:
    codes, reckoned = WindowCodes(10, 5), []

    def chances(own_UH, other_UH):
        reckoned.append(own_UH[:, -1].tolist())
        return np.eye(10)[other_UH[:, -1]]

    lazy = Responder(chances, codes)
    latest = np.array([30, 12, 30], dtype=codes.dtype)  # one meeting each: own 2 and other 9, own 1 and other 1
    first = lazy.below(latest)
    assert first.tolist() == [[0.0] * 9, [0.0] + [1.0] * 8, [0.0] * 9]
    assert lazy.below(np.array([12, 30], dtype=codes.dtype)).tolist() == first[[1, 0]].tolist()
    assert lazy.below(np.array([25, 12], dtype=codes.dtype)).tolist() == [[0.0] * 4 + [1.0] * 5, first[1].tolist()]
    assert reckoned == [[1, 2], [2]]
    assert lazy._known_U.dtype == codes.dtype
    assert len(lazy._below_UK) == 3
