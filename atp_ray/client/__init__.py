"""Clients of a running simulation service, one that blocks and one that is awaited.

from atp_ray.client import Client

with Client("http://127.0.0.1:8000") as client:
    simulation = client.create(preset="tipping")
    client.run(simulation.id)
    for event in client.events(simulation.id):
        print(event.kind, event.data)
"""

from atp_ray.client.asynchronous import AsyncClient
from atp_ray.client.blocking import Client

__all__ = ["AsyncClient", "Client"]
