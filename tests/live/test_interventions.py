"""Interventions as data: what is logged of one is what is read back, and what is wrong is said of its own kind."""

import json

import pytest
from pydantic import ValidationError

from atp_ray.live.interventions import EditMemory, FixSeats, Logged, asked, read_intervention, read_logged
from atp_ray.play.episodes import SeatGroup
from atp_ray.play.sampling import Sampling

FIX = {"kind": "fix_seats", "seats": [0, 3], "action": "refrain"}
PLAYER = SeatGroup(checkpoint="tiny", count=1, sampling=Sampling(temperature=0.5))


def test_what_is_logged_is_json_and_is_read_back_as_it_was() -> None:
    for logged in (Logged(FixSeats(**FIX)), Logged(FixSeats(**FIX), PLAYER)):
        data = logged.data()
        assert json.loads(json.dumps(data)) == data  # an event in memory is the same as one read from the disk
        assert read_logged(data) == logged
        assert asked(data) == FIX
    assert list(Logged(FixSeats(**FIX)).data()) == ["kind", "seats", "action"]


def test_what_is_wrong_is_said_of_the_kind_that_was_asked_for() -> None:
    with pytest.raises(ValidationError) as caught:
        read_intervention({"kind": "edit_memory", "seat": 1, "round": 0, "reply": "x"})
    (error,) = caught.value.errors()
    assert error["loc"] == ("edit_memory", "round")
    with pytest.raises(ValidationError, match=r"does not match any of the expected tags: .*'fix_seats'") as caught:
        read_intervention({"kind": "nothing"})
    assert caught.value.error_count() == 1
    assert read_intervention({"kind": "edit_memory", "seat": 1, "round": 1, "reply": "x"}) == EditMemory(
        kind="edit_memory", seat=1, round=1, reply="x"
    )
