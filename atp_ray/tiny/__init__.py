"""The embedded `tiny` checkpoint: how it is trained, what it may be asked, and how well it imitates its teacher."""
