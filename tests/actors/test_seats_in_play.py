"""Which episodes may begin, given what the engines decode at once."""

import asyncio

from actors.seats_in_play import AHEAD, POLICIES, Capacity, EpisodeSeats, SeatsInPlay

CAPACITY = Capacity({"a": 4, "b": 4, POLICIES: 4}, {"base": "a", "adapter": "a", "other": "b"})


class Cells:
    """Begins the episodes of cells one after another, as a coordinator does."""

    def __init__(self, capacity: Capacity | None = CAPACITY) -> None:
        self.seats = SeatsInPlay(capacity)
        self.begun: list[tuple[int, EpisodeSeats]] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def play(self, place: int, checkpoints: list[str], episodes: int) -> None:
        async def begin() -> None:
            for _ in range(episodes):
                self.begun.append((place, await self.seats.begin(place, checkpoints)))

        self.tasks.append(asyncio.create_task(begin()))
        await settle()

    def count(self, place: int) -> int:
        return sum(cell == place for cell, _ in self.begun)


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_episodes_begin_until_the_engine_has_enough_to_do_whatever_cell_they_are_of() -> None:
    cells = Cells()
    await cells.play(0, ["base"] * 4, 2)
    await cells.play(1, ["adapter"] * 4, 9)
    await cells.play(2, ["base"] * 4, 9)
    assert [cell for cell, _ in cells.begun] == [0, 0, 1]
    assert len(cells.begun) * 4 == AHEAD * 4


async def test_an_answer_makes_room_and_a_new_round_takes_it_again() -> None:
    cells = Cells()
    await cells.play(0, ["base"] * 4, 9)
    first = cells.begun[0][1]
    first.answered((0,))
    await settle()
    assert cells.count(0) == 4  # 11 seats wait, and 4 more begin
    first.answered((1, 2, 3))
    await settle()
    assert cells.count(0) == 4
    first.ask()
    cells.begun[1][1].leave()
    cells.begun[1][1].leave()
    await settle()
    assert cells.count(0) == 4  # 16 - 4: the engine has enough
    cells.begun[2][1].leave()
    await settle()
    assert cells.count(0) == 5


async def test_cells_begin_in_their_order() -> None:
    cells = Cells()
    await cells.play(0, ["base"] * 12, 2)
    await cells.play(2, ["base"] * 12, 1)
    await cells.play(1, ["base"] * 12, 1)
    for _ in range(4):
        cells.begun[-1][1].leave()
        await settle()
    assert [cell for cell, _ in cells.begun] == [0, 0, 1, 2]


async def test_a_busy_engine_holds_up_nobody_who_asks_another() -> None:
    cells = Cells()
    await cells.play(0, ["base"] * 4, 9)
    await cells.play(1, ["other"] * 4, 2)
    await cells.play(2, ["base", "other"], 1)
    await cells.play(3, ["other"] * 4, 2)
    # The third waits for `a`; the fourth comes after it at `b`, where there is room, and does not overtake it.
    assert [cells.count(place) for place in range(4)] == [3, 2, 0, 0]
    cells.begun[0][1].leave()
    await settle()
    assert cells.count(0) == 4


async def test_an_episode_larger_than_the_engine_begins_when_there_is_room_for_one_more_seat() -> None:
    cells = Cells()
    await cells.play(0, ["base"] * 1000, 3)
    assert cells.count(0) == 1
    cells.begun[0][1].leave()
    await settle()
    assert cells.count(0) == 2


async def test_policies_beside_a_model_do_not_count_and_alone_they_do() -> None:
    cells = Cells()
    await cells.play(0, ["base", *["policy:quantal"] * 7], 20)
    assert cells.count(0) == AHEAD * 4
    await cells.play(1, ["policy:quantal"] * 8, 20)
    assert cells.count(1) == 2


async def test_one_that_gives_up_in_line_takes_no_place() -> None:
    cells = Cells()
    await cells.play(0, ["base"] * 12, 1)
    await cells.play(1, ["base"] * 12, 1)
    await cells.play(2, ["base"] * 12, 1)
    cells.tasks[1].cancel()
    await settle()
    cells.begun[0][1].leave()
    await settle()
    assert [cell for cell, _ in cells.begun] == [0, 2]


async def test_a_thousand_waiting_cells_begin_together_where_there_is_room() -> None:
    capacity = Capacity({"a": 500}, {"base": "a"})
    cells = Cells(capacity)
    await cells.play(0, ["base"] * 2000, 1)
    for place in range(1, 1001):
        cells.tasks.append(asyncio.create_task(cells.seats.begin(place, ["base"])))
    await settle()
    cells.begun[0][1].leave()
    await settle()
    assert sum(task.done() for task in cells.tasks) == 1001


async def test_without_a_bound_everything_begins() -> None:
    cells = Cells(None)
    await cells.play(0, ["base", "policy:quantal"] * 50, 100)
    assert cells.count(0) == 100
