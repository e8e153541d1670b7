"""The command `report`, and what tables and figures of all runs share."""
