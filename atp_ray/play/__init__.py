"""What a round is made of, for every paradigm."""
