"""Ray actors: agents with their own memory, the population they live in, and the coordinator of rounds."""
