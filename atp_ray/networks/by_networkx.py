"""Random networks of moderate size, as networkx draws them."""

from __future__ import annotations

import networkx as nx
import numpy as np
import numpy.typing as npt

from atp_ray.networks.kinds import BarabasiAlbert, StochasticBlock, WattsStrogatz


def drawn(network: WattsStrogatz | BarabasiAlbert | StochasticBlock, n_agents: int, seed: int) -> npt.NDArray[np.int64]:
    """Return links [L, 2]."""
    graph: nx.Graph[int]
    match network:
        case WattsStrogatz():
            graph = nx.watts_strogatz_graph(n_agents, network.k, network.p, seed=seed)
        case BarabasiAlbert():
            graph = nx.barabasi_albert_graph(n_agents, network.m, seed=seed)
        case StochasticBlock():
            sizes = network.sizes(n_agents)
            chance = np.full((len(sizes), len(sizes)), network.p_out)
            np.fill_diagonal(chance, network.p_in)
            graph = nx.stochastic_block_model(sizes, chance.tolist(), seed=seed)
    return np.array(list(graph.edges()), dtype=np.int64).reshape(-1, 2)
