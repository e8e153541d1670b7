"""How a checkpoint responds to what it has seen: response models, and populations made of them."""
