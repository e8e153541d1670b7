"""Lines behind a checksum: whatever is written is read back, and no damage passes for data."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import full_disk_at

from atp_ray.errors import StorageError
from atp_ray.storage.checked_lines import decode_line, encode_line, read_lines, write_line

ANY = st.text() | st.just("\ud800 \U0001f9ea")  # half a letter too: a model may write one
data = st.dictionaries(ANY, st.none() | st.integers() | ANY | st.lists(ANY), max_size=3)


def read(content: bytes) -> list:
    return list(read_lines(content, Path("log.jsonl"), "Restore it"))


def test_a_line_is_as_it_has_always_been() -> None:
    # Logs of earlier versions are read on.
    line = encode_line({"a": [1, None], "b": "d\u00e9j\u00e0"})
    assert line == b'ea7be486 {"a":[1,null],"b":"d\xc3\xa9j\xc3\xa0"}\n'
    assert decode_line(line[:-1]) == {"a": [1, None], "b": "d\u00e9j\u00e0"}


@given(st.lists(data, max_size=4), st.data())
def test_what_is_written_is_read_back_with_where_it_ends_wherever_the_file_is_cut(entries, draw) -> None:
    lines = [encode_line(entry) for entry in entries]
    content = b"".join(lines)
    ends = [sum(map(len, lines[: number + 1])) for number in range(len(lines))]
    cut = draw.draw(st.integers(0, len(content)))
    assert read(content[:cut]) == [(entry, end) for entry, end in zip(entries, ends, strict=True) if end <= cut]


def test_every_flipped_bit_is_found() -> None:
    line = encode_line({"round": 12})
    for position in range(len(line) - 1):
        for bit in range(8):
            damaged = bytearray(line)
            damaged[position] ^= 1 << bit
            assert decode_line(bytes(damaged[:-1])) is None
            assert read(bytes(damaged)) == []  # nothing follows: a crash may have left it


def test_damage_before_the_last_line_is_an_error_that_says_where() -> None:
    one, two = encode_line({"n": 1}), encode_line({"n": 2})
    for damaged, byte in ((b"x" + one + two, 0), (one + b"\n" + two, len(one)), (one + b"x" + two + one, len(one))):
        with pytest.raises(StorageError) as caught:
            read(damaged)
        assert str(caught.value) == f"log.jsonl: is damaged at byte {byte}. Restore it"


def test_a_line_that_does_not_fit_is_an_error_of_the_disk(tmp_path: Path) -> None:
    line = encode_line({"n": 1})
    with (tmp_path / "log.jsonl").open("wb", buffering=0) as file:
        write_line(file, line)
        with full_disk_at(len(line) + 3), pytest.raises(OSError, match="No space left on device") as caught:
            write_line(file, line)
        assert caught.value.strerror == os.strerror(caught.value.errno)
        assert file.tell() == len(line) + 3
