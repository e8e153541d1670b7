// The form for a new simulation. What is left blank is the preset's or the service's default.
import { html, useState } from "../vendor/htm-preact.js";
import { post } from "../lib/api.js";
import { go, simulationLink } from "../lib/route.js";
import { spaced } from "../lib/words.js";
import { useAction } from "../lib/use_action.js";
import { Input, Outcome, Select, submitting } from "./fields.js";
import { Players } from "./players.js";

const NUMBERS = ["threshold", "high", "medium", "low", "rounds", "seed", "history_window"];
const REWARDS = [
  ["high", "1.2"],
  ["medium", "1.0"],
  ["low", "0.8"],
];
const TEXTS = ["preset", "name", "scenario", "visibility", "supervision"];

// The body of the request from the form's data; a preset's players stand where no seats are given.
function bodyOf(form, preset) {
  const body = {};
  for (const name of TEXTS) if (form.get(name)?.trim()) body[name] = form.get(name).trim();
  for (const name of NUMBERS) if (form.get(name)) body[name] = Number(form.get(name));
  const seats = form.getAll("seats");
  const players = form.getAll("checkpoint").map((checkpoint, row) => ({ checkpoint, seats: Number(seats[row]) }));
  if (!preset || players.some((player) => player.seats > 0))
    body.players = players.filter((player) => player.seats > 0);
  return body;
}

export function NewSimulation({ health, reload }) {
  const [preset, setPreset] = useState("");
  const action = useAction();
  const send = (form) =>
    action.run(async () => {
      const body = bodyOf(form, preset);
      if (!preset && body.players.length === 0) throw new Error("players: give at least one seat");
      const made = await post("v1/simulations", body);
      if (form.get("start")) await post(`v1/simulations/${made.id}/control`, { command: "run" });
      reload();
      go(simulationLink(made.id));
    });
  const blank = preset ? "the preset's" : undefined;
  const or = (value) => blank ?? value;
  return html`
    <h1>New simulation</h1>
    <p class="muted lead">
      A population of agents plays a repeated game; watch when it tips into collusion. Up to${" "}
      ${health.most_agents} seats.
    </p>
    <form class="card form" onSubmit=${submitting(send)}>
      <fieldset>
        <legend>What is played</legend>
        <${Select} id="preset" name="preset" label="Preset" hint="Fields left blank are the preset's." value=${preset}
          onChange=${(event) => setPreset(event.target.value)}
          options=${[["", "none"], ...health.presets.map((name) => [name, spaced(name)])]} />
        <${Input} id="name" name="name" label="Name" maxlength="200" placeholder=${or("as the scenario")} />
        <${Select} id="scenario" name="scenario" label="Scenario" key=${preset}
          options=${[...(preset ? [["", "the preset's"]] : []), ...scenarioOptions(health.scenarios, preset)]} />
        <${Input} id="rounds" name="rounds" label="Rounds" type="number" min="1" max="10000" placeholder=${or("6")} />
        <${Input} id="seed" name="seed" label="Seed" type="number" min="0" placeholder=${or("0")} />
        <${Select} id="visibility" name="visibility" label="Visibility" hint="What seats see of each other."
          options=${[["", or("choices (default)")], "replies", "choices", "counts"]} />
        <${Input} id="history_window" name="history_window" label="Rounds remembered" type="number" min="1" max="100"
          placeholder=${or("the paradigm's")} />
      </fieldset>
      <${Players} key=${preset === ""} checkpoints=${health.checkpoints} preset=${preset} most=${health.most_agents} />
      <fieldset>
        <legend>Games only</legend>
        <${Input} id="threshold" name="threshold" label="Threshold" type="number" min="1"
          placeholder=${or("half of the seats")} hint="Seats that must collude for success." />
        ${REWARDS.map(
          ([name, usual]) => html`
          <${Input} key=${name} id=${name} name=${name} label=${`Reward ${name}`} type="number" min="0" step="any"
            placeholder=${or(usual)} />`,
        )}
      </fieldset>
      <fieldset>
        <legend>Role-play only (one seat)</legend>
        <${Select} id="supervision" name="supervision" label="Supervision"
          options=${[["", or("all unsupervised (default)")], ...health.supervision.map((name) => [name, spaced(name)])]} />
      </fieldset>
      <div class="actions">
        <label class="check"><input type="checkbox" name="start" defaultChecked /> run at once</label>
        <button class="primary" aria-disabled=${action.busy}>Create simulation</button>
      </div>
      <${Outcome} action=${action} />
    </form>`;
}

// The service's own default comes first where no preset says otherwise.
function scenarioOptions(scenarios, preset) {
  const names = scenarios.map((name) => [name, spaced(name)]);
  if (preset) return names;
  return names.sort((a, b) => (b[0] === "info_sharing") - (a[0] === "info_sharing"));
}
