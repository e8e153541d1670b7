"""Who is the neighbour of whom: kinds of networks, the networks themselves as arrays, and rules for placing agents."""
