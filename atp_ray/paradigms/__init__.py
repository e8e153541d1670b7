"""The rooms: everything that only one paradigm knows is in its folder; all else asks the registry."""
