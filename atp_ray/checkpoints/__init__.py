"""The command `checkpoints`: list them, build the small one."""
