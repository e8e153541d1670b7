"""Environments: what an agent observes and how a round is settled, one module per paradigm behind one interface."""
