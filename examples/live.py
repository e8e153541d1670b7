"""A notebook-style session with a live simulation, cell by cell (`# %%` opens as cells in Jupyter and VS Code).

Start the service first: `python -m atp_ray.serve --checkpoint tiny`.
"""

# %% A population of eight agents; nothing runs yet
import os

import pandas as pd

from atp_ray.client import Client
from atp_ray.live.schemas import EventView

client = Client(os.environ.get("ATP_RAY_URL", "http://127.0.0.1:8000"), author="notebook")
print(client.health().checkpoints)
simulation = client.create(preset="tipping", name="notebook")
print(simulation.label)

# %% Let it run to round 3, and read along
client.run(simulation.id, until_round=3)
for event in client.events(simulation.id):
    if isinstance(event, EventView) and event.kind == "round":
        print(event.data["round"], event.data["deviant_rate"], event.data["success"])
        if event.data["round"] == 3:
            break

# %% What would agent 3 be asked next?
for message in client.memory(simulation.id, 3).messages:
    print(f"{message.role}: {message.content}\n")

# %% What if the threshold rose to 7 after round 1? Four seeds, with and without
what_if = client.what_if(
    simulation.id, 1, rounds=4, interventions=[{"kind": "change_numbers", "threshold": 7}], seeds=4
)
branches = [*what_if.without, *what_if.with_]
for branch in branches:
    for event in client.events(branch):
        if isinstance(event, EventView) and event.kind == "round" and event.data["round"] == 5:
            break

# %% The difference, with its 95 % interval over seeds
comparison = client.compare(what_if.without, what_if.with_, after=1)
print(pd.DataFrame([row.model_dump() for row in comparison.differences]).round(3))
print(comparison.label)

# %% Every decision, for pandas
decisions = client.decisions(simulation.id, text=True).to_pandas()
print(decisions.groupby("round")["action"].value_counts().unstack(fill_value=0))
client.close()
