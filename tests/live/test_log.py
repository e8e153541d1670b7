"""One simulation's log on a real file: what an event holds, what a full disk and damage leave, and what is said."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from support import full_disk_at

from atp_ray.errors import StorageError
from atp_ray.live.log import LiveLog


def test_an_event_has_a_number_a_kind_a_time_an_author_and_a_key_and_keeps_them(tmp_path: Path) -> None:
    log = LiveLog(tmp_path / "new" / "folder" / "events.jsonl")
    before = datetime.now(UTC).replace(microsecond=0)
    first = log.append("control", {"command": "déjà vu"}, "me", "once")
    second = log.append("round", {}, "service")
    assert (first.seq, first.kind, first.author, first.key, first.data) == (
        1, "control", "me", "once", {"command": "déjà vu"},
    )  # fmt: skip
    assert (second.seq, second.kind, second.author, second.key, second.data) == (2, "round", "service", None, {})
    told = datetime.fromisoformat(first.time)
    assert first.time == told.astimezone(UTC).isoformat(timespec="milliseconds")
    assert before <= told <= datetime.now(UTC)
    for one in (log, LiveLog(log.path)):
        assert list(one.events) == [first, second]
        assert one.with_key("once") == first
        assert one.with_key("twice") is one.with_key(None) is None


def test_a_full_disk_leaves_nothing_of_an_event_and_the_next_one_follows(tmp_path: Path) -> None:
    log = LiveLog(tmp_path / "events.jsonl")
    log.append("round", {"number": 1}, "service", "a")
    content = log.path.read_bytes()
    with full_disk_at(len(content) + 20), pytest.raises(StorageError) as caught:
        log.append("round", {"number": 2}, "service", "b")
    assert str(caught.value) == (
        f"{log.path}: cannot be written or read: No space left on device. Free some space; nothing is lost"
    )
    assert log.path.read_bytes() == content
    assert (len(log.events), log.with_key("b")) == (1, None)
    assert log.append("round", {"number": 2}, "service", "b").seq == 2
    assert [event.data["number"] for event in LiveLog(log.path).events] == [1, 2]


def test_what_a_crash_left_of_an_event_is_written_over(tmp_path: Path) -> None:
    log = LiveLog(tmp_path / "events.jsonl")
    log.append("round", {"number": 1}, "service")
    log.path.write_bytes(log.path.read_bytes() + b"12345678 {half of a very long event" + b"x" * 500)
    again = LiveLog(log.path)
    again.append("round", {"number": 2}, "service")
    assert [event.data["number"] for event in LiveLog(log.path).events] == [1, 2]
    assert log.path.read_bytes().count(b"x") == 0


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        LiveLog(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: cannot be written or read: Is a directory. Free some space; nothing is lost"
    )
    log = LiveLog(tmp_path / "events.jsonl")
    for number in (1, 2, 3):
        log.append("round", {"number": number}, "service")
    first, second, third = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(first + b"0" + second + third)
    with pytest.raises(StorageError) as caught:
        LiveLog(log.path)
    assert str(caught.value) == f"{log.path}: is damaged at byte {len(first)}. Restore the file from a copy"
