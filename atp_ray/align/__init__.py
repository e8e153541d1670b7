"""The command `align`: preference pairs, DPO and GRPO."""
