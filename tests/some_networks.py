"""Small networks of every random and regular kind, for tests."""

from hypothesis import strategies as st

from atp_ray.networks.kinds import BarabasiAlbert, Lattice, NetworkKind, Ring, StochasticBlock, WattsStrogatz
from atp_ray.networks.neighbours import Neighbours, neighbours

DEGREES = st.integers(1, 3).map(lambda half: 2 * half)
CHANCES = st.floats(0, 1).map(lambda chance: round(chance, 3))
KINDS = st.one_of(
    st.builds(Ring, k=DEGREES),
    st.builds(Lattice, k=st.sampled_from([4, 8]), periodic=st.booleans()),
    st.builds(WattsStrogatz, k=DEGREES, p=CHANCES),
    st.builds(BarabasiAlbert, m=st.integers(1, 4)),
    st.builds(StochasticBlock, blocks=st.integers(1, 4), p_in=CHANCES, p_out=CHANCES),
)


def made(network: NetworkKind, n_agents: int, seed: int = 0) -> Neighbours:
    found = neighbours(network, n_agents, seed)
    assert found is not None
    return found
