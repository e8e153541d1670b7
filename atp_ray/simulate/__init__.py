"""The command `simulate`: play one episode and read along."""
