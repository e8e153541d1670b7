// The form for a new simulation. What is left blank is the preset's or the service's default.
import { html, useState } from "../vendor/htm-preact.js";
import { post } from "../lib/api.js";
import { go, simulationLink } from "../lib/route.js";
import { capitalised, spaced } from "../lib/words.js";
import { useAction } from "../lib/use_action.js";
import { Input, Outcome, Select, submitting } from "./fields.js";
import { Players } from "./players.js";

// The body of the request from the form's data; a preset's players stand where no seats are given.
function bodyOf(form, preset, fields) {
  const body = {};
  for (const name of ["preset", "name", "scenario"]) if (form.get(name)?.trim()) body[name] = form.get(name).trim();
  if (form.get("seed")) body.seed = Number(form.get("seed"));
  for (const { name, type } of fields) {
    const value = form.get(name)?.trim();
    if (value) body[name] = ["number", "integer"].includes(type) ? Number(value) : value;
  }
  const seats = form.getAll("seats");
  const players = form.getAll("checkpoint").map((checkpoint, row) => ({ checkpoint, seats: Number(seats[row]) }));
  if (!preset || players.some((player) => player.seats > 0))
    body.players = players.filter((player) => player.seats > 0);
  return body;
}

export function NewSimulation({ health, reload }) {
  const [preset, setPreset] = useState("");
  const [scenario, setScenario] = useState("");
  const names = sorted(health.scenarios);
  const paradigm =
    health.paradigms.find((one) => one.scenarios.includes(scenario)) ??
    health.paradigms.find((one) => one.presets.includes(preset)) ??
    health.paradigms.find((one) => one.scenarios.includes(names[0]));
  const action = useAction();
  const send = (form) =>
    action.run(async () => {
      const body = bodyOf(form, preset, paradigm.fields);
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
      A population of agents plays a repeated game; watch when it tips. Up to${" "}
      ${health.most_agents} seats.
    </p>
    <form class="card form" onSubmit=${submitting(send)}>
      <fieldset>
        <legend>What is played</legend>
        <${Select} id="preset" name="preset" label="Preset" hint="Fields left blank are the preset's." value=${preset}
          onChange=${(event) => {
            setPreset(event.target.value);
            setScenario("");
          }}
          options=${[["", "none"], ...health.presets.map((name) => [name, spaced(name)])]} />
        <${Input} id="name" name="name" label="Name" maxlength="200" placeholder=${or("as the scenario")} />
        <${Select} id="scenario" name="scenario" label="Scenario" key=${preset}
          onChange=${(event) => setScenario(event.target.value)}
          options=${[...(preset ? [["", "the preset's"]] : []), ...names.map((name) => [name, spaced(name)])]} />
        <${Input} id="seed" name="seed" label="Seed" type="number" min="0" placeholder=${or("0")} />
      </fieldset>
      <${Players} key=${`${preset === ""}-${paradigm.one_agent}`} checkpoints=${health.checkpoints} preset=${preset}
        most=${paradigm.one_agent ? 1 : health.most_agents} />
      <fieldset key=${paradigm.name}>
        <legend>${capitalised(paradigm.title)}</legend>
        ${paradigm.fields.map((field) => html`<${Own} key=${field.name} field=${field} blank=${blank} />`)}
      </fieldset>
      <div class="actions">
        <label class="check"><input type="checkbox" name="start" defaultChecked /> run at once</label>
        <button class="primary" aria-disabled=${action.busy}>Create simulation</button>
      </div>
      <${Outcome} action=${action} />
    </form>`;
}

// A field that only the paradigm has.
function Own({ field, blank }) {
  const { name, description, type, choices, minimum, maximum } = field;
  const usual = blank ?? (field.default === null ? "" : String(field.default));
  const shared = { id: name, name, label: capitalised(spaced(name)), hint: description };
  if (type === "choice") {
    const first = blank ?? `${spaced(usual)} (default)`;
    return html`<${Select} ...${shared} options=${[["", first], ...choices.map((one) => [one, spaced(one)])]} />`;
  }
  if (type === "text") return html`<${Input} ...${shared} placeholder=${usual} />`;
  return html`
    <${Input} ...${shared} type="number" min=${minimum} max=${maximum} step=${type === "integer" ? 1 : "any"}
      placeholder=${usual} />`;
}

// The service's own default comes first.
const sorted = (scenarios) => [...scenarios].sort((a, b) => (b === "info_sharing") - (a === "info_sharing"));
