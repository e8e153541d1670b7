"""Kinds of networks and their numbers, as a grid, a request or an episode names them."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from atp_ray.config_files import Frozen, Number, Whole
from atp_ray.errors import UsageError

MOST_LINKS = 20_000_000  # of one network, in memory: two entries of four bytes each
MOST_LISTED = 100_000  # links of an edge list, which travel with the episode
Chance = Annotated[Number, Field(ge=0, le=1)]
Degree = Annotated[Whole, Field(ge=2, le=10_000, multiple_of=2)]
Link = tuple[Annotated[Whole, Field(ge=0)], Annotated[Whole, Field(ge=0)]]


class NetworkKind(Frozen):
    """A kind of network with its numbers; `kind` tells them apart. Seats count from 0, links have no direction."""

    random: ClassVar[bool] = False
    kind: str

    def __str__(self) -> str:
        """Return the short text it can be read from again, e.g. `watts_strogatz:k=4,p=0.1`."""
        values = self.model_dump(mode="json", exclude={"kind"}, exclude_none=True)
        shown = ",".join(f"{name}={_short(value)}" for name, value in values.items())
        return f"{self.kind}:{shown}" if shown else self.kind

    @abstractmethod
    def problem(self, n_agents: int) -> str | None:
        """Return why `n_agents` agents cannot be linked so, None where they can."""

    @abstractmethod
    def expected_links(self, n_agents: int) -> float:
        """Return about how many links there are between `n_agents` agents."""


class Complete(NetworkKind):
    """Everyone is everyone's neighbour."""

    kind: Literal["complete"] = "complete"

    def problem(self, n_agents: int) -> str | None:
        """Return None: any number will do."""
        del n_agents
        return None

    def expected_links(self, n_agents: int) -> float:
        """Return 0: these links are never written down."""
        del n_agents
        return 0


EVERYONE = str(Complete())  # what results call it


class Ring(NetworkKind):
    """Seats in a circle, each linked to the k nearest: half of them on either side."""

    kind: Literal["ring"] = "ring"
    k: Degree = Field(default=2, description="Neighbours of each seat; even.")

    def problem(self, n_agents: int) -> str | None:
        """Return why not: there must be more agents than neighbours."""
        return _too_few(n_agents, "k", self.k)

    def expected_links(self, n_agents: int) -> float:
        """Return n k / 2."""
        return n_agents * self.k / 2


class Lattice(NetworkKind):
    """Seats row by row on a grid, by default closed to a torus, each linked to the nearest four or eight."""

    kind: Literal["lattice"] = "lattice"
    rows: Whole | None = Field(
        default=None, ge=1, description="Rows; null: the most square arrangement that holds all agents exactly."
    )
    k: Literal[4, 8] = Field(default=4, description="Neighbours of a seat inside: 4, or 8 with the diagonal ones.")
    periodic: bool = Field(default=True, description="Whether the last row and column are linked to the first.")

    def problem(self, n_agents: int) -> str | None:
        """Return why not: the agents must fill the rows."""
        if self.rows is not None and n_agents % self.rows:
            return f"{n_agents} agents do not fill {self.rows} rows"
        if self.rows is None and n_agents > 3 and self.shape(n_agents)[0] == 1:
            return f"{n_agents} agents fill no rectangle, as {n_agents} is a prime number"
        return None

    def shape(self, n_agents: int) -> tuple[int, int]:
        """Return rows and columns."""
        fits = (rows for rows in range(math.isqrt(n_agents), 0, -1) if n_agents % rows == 0)
        rows = next(fits) if self.rows is None else self.rows
        return rows, n_agents // rows

    def expected_links(self, n_agents: int) -> float:
        """Return n k / 2."""
        return n_agents * self.k / 2


class WattsStrogatz(NetworkKind):
    """A small world: a ring whose links are each moved to another random seat with probability p."""

    random = True
    kind: Literal["watts_strogatz"] = "watts_strogatz"
    k: Degree = Field(default=4, description="Neighbours of each seat in the ring; even.")
    p: Chance = Field(default=0.1, description="Probability that a link is moved.")

    def problem(self, n_agents: int) -> str | None:
        """Return why not: there must be more agents than neighbours."""
        return _too_few(n_agents, "k", self.k)

    def expected_links(self, n_agents: int) -> float:
        """Return n k / 2."""
        return n_agents * self.k / 2


class BarabasiAlbert(NetworkKind):
    """Few hubs and many others: each seat links itself to m earlier ones, the sooner the more links they have."""

    random = True
    kind: Literal["barabasi_albert"] = "barabasi_albert"
    m: Whole = Field(default=2, ge=1, le=1000, description="Links that each seat brings.")

    def problem(self, n_agents: int) -> str | None:
        """Return why not: there must be more agents than links of each."""
        return _too_few(n_agents, "m", self.m)

    def expected_links(self, n_agents: int) -> float:
        """Return about n m."""
        return n_agents * self.m


class StochasticBlock(NetworkKind):
    """Communities: neighbouring seats form blocks of one size, with more links inside than between them."""

    random = True
    kind: Literal["stochastic_block"] = "stochastic_block"
    blocks: Whole = Field(default=2, ge=1, le=10_000, description="Blocks; their sizes differ by one seat at most.")
    p_in: Chance = Field(description="Probability of a link between two seats of one block.")
    p_out: Chance = Field(description="Probability of a link between two seats of different blocks.")

    def problem(self, n_agents: int) -> str | None:
        """Return why not: a block needs an agent."""
        return f"{n_agents} agents are fewer than {self.blocks} blocks" if n_agents < self.blocks else None

    def sizes(self, n_agents: int) -> list[int]:
        """Return the seats of each block."""
        size, larger = divmod(n_agents, self.blocks)
        return [size + (block < larger) for block in range(self.blocks)]

    def expected_links(self, n_agents: int) -> float:
        """Return the expected number."""
        inside = sum(size * (size - 1) / 2 for size in self.sizes(n_agents))
        return inside * self.p_in + (n_agents * (n_agents - 1) / 2 - inside) * self.p_out


class EdgeList(NetworkKind):
    """Links one by one: given here, or as the name of a file, which `edge_files.opened` reads."""

    kind: Literal["edge_list"] = "edge_list"
    name: str = Field(default="", max_length=60, pattern=r"^[\w.-]*$", description="What results call it.")
    file: str | None = Field(default=None, max_length=1000, description="CSV or YAML file of pairs of seats.")
    links: tuple[Link, ...] = Field(default=(), max_length=MOST_LISTED, description="Pairs of seats, from 0.")

    @model_validator(mode="after")
    def _links_are_links(self) -> EdgeList:
        if (self.file is None) == (not self.links):
            raise ValueError("give either file or links")
        if (own := next((one for one, other in self.links if one == other), None)) is not None:
            raise ValueError(f"links seat {own} to itself")
        return self

    def __str__(self) -> str:
        """Return the kind with the file or the name, or else with the number of links."""
        return f"{self.kind}:{self.file or self.name or len(self.links)}"

    def problem(self, n_agents: int) -> str | None:
        """Return why not: a seat is out of range, or the file has not been read."""
        if self.file is not None:
            return "the file of links has not been read"
        last = max(max(link) for link in self.links)
        return f"links seat {last}, but seats are 0..{n_agents - 1}" if last >= n_agents else None

    def expected_links(self, n_agents: int) -> float:
        """Return how many there are."""
        del n_agents
        return len(self.links)


KINDS: tuple[type[NetworkKind], ...] = (
    Complete, Ring, Lattice, WattsStrogatz, BarabasiAlbert, StochasticBlock, EdgeList,
)  # fmt: skip


def require_fits(network: NetworkKind, n_agents: int) -> None:
    """Refuse a network that `n_agents` agents cannot form.

    Raises:
        UsageError: says why.
    """
    reason = network.problem(n_agents)
    if reason is None and (links := network.expected_links(n_agents)) > MOST_LINKS:
        reason = f"about {links:,.0f} links are more than {MOST_LINKS:,}"
    if reason is not None:
        raise UsageError(reason, f"network {network}", "Change the network or n_agents")


def _too_few(n_agents: int, name: str, degree: int) -> str | None:
    return f"{name} must be below the number of agents, {n_agents}" if degree >= n_agents else None


def _short(value: object) -> str:
    if not isinstance(value, float):
        return str(value).lower()
    short = f"{value:g}"
    return short if float(short) == value else repr(value)  # six digits are not enough for every number
