"""What somebody may change in a running simulation; each takes effect from the next round on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, Union

from pydantic import Field, GetCoreSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema

from atp_ray.config_files import Whole
from atp_ray.paradigms.design import Change
from atp_ray.paradigms.registry import paradigms
from atp_ray.play.episodes import SeatGroup

Seats = Annotated[tuple[Annotated[Whole, Field(ge=0)], ...], Field(min_length=1, max_length=100_000)]
LONGEST_TEXT = 2000
_PLAYER = "player"  # beside the intervention in its event: a start with other checkpoints changes no past


class SwapCheckpoint(Change):
    """Let other weights play some seats; their memory stays."""

    kind: Literal["swap_checkpoint"]
    seats: Seats
    checkpoint: str = Field(max_length=200)


class FixSeats(Change):
    """Make seats fixed colluders (violators) or fixed refusers."""

    kind: Literal["fix_seats"]
    seats: Seats
    action: Literal["collude", "refrain"]


class EraseMemory(Change):
    """Let seats forget every round so far."""

    kind: Literal["erase_memory"]
    seats: Seats


class EditMemory(Change):
    """Change what a seat remembers of its own reply in a past round."""

    kind: Literal["edit_memory"]
    seat: Whole = Field(ge=0)
    round: Whole = Field(ge=1)
    reply: str = Field(min_length=1, max_length=LONGEST_TEXT)


class Quarantine(Change):
    """Hide what seats do, from the next round on; it still counts in settlement."""

    kind: Literal["quarantine"]
    seats: Seats


class Broadcast(Change):
    """Tell every agent something before the next round; they remember it as part of that round."""

    kind: Literal["broadcast"]
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)


class _EveryKind:
    """Makes pydantic take any intervention: those of all paradigms, and those that only one of them has."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        of_paradigms = [model for room in paradigms() for model in room.design.change_models]
        kinds: Any = Union[(*of_paradigms, *COMMON)]  # put together here, when all of them are known
        return handler.generate_schema(Annotated[kinds, Field(discriminator="kind")])


COMMON: tuple[type[Change], ...] = (SwapCheckpoint, FixSeats, EraseMemory, EditMemory, Quarantine, Broadcast)
Intervention = Annotated[Change, _EveryKind()]


class Logged(NamedTuple):
    """An intervention as it stands in the log, with who plays the seats it names, where it puts somebody there."""

    intervention: Change
    player: SeatGroup | None = None

    def data(self) -> dict[str, Any]:
        """Return it as the data of an event."""
        data: dict[str, Any] = self.intervention.model_dump(mode="json")
        return data if self.player is None else data | {_PLAYER: self.player.model_dump(mode="json")}


def read_intervention(data: Mapping[str, Any]) -> Intervention:
    """Return an intervention from plain data.

    Raises:
        ValidationError: it is none.
    """
    found: Change = TypeAdapter(Intervention).validate_python(data)
    return found


def read_logged(data: Mapping[str, Any]) -> Logged:
    """Return an intervention from the data of its event.

    Raises:
        ValidationError: it is none.
    """
    player = SeatGroup.model_validate(data[_PLAYER]) if _PLAYER in data else None
    return Logged(read_intervention(asked(data)), player)


def asked(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked for, without what was added when it was logged."""
    return {name: value for name, value in data.items() if name != _PLAYER}
