// Branch off at a past round, with or without an intervention.
import { html } from "../vendor/htm-preact.js";
import { post } from "../lib/api.js";
import { readIntervention } from "../lib/interventions.js";
import { go, simulationLink } from "../lib/route.js";
import { useAction } from "../lib/use_action.js";
import { Input, Outcome, submitting } from "./fields.js";
import { InterventionFields } from "./intervention_fields.js";

export function ForkForm({ view, health, changed }) {
  const action = useAction();
  const send = (form) =>
    action.run(async () => {
      const body = { round: Number(form.get("at")), name: form.get("name").trim() };
      if (form.get("seed")) body.seed = Number(form.get("seed"));
      if (form.get("kind")) body.interventions = [readIntervention(form)];
      const made = await post(`v1/simulations/${view.id}/forks`, body);
      changed();
      go(simulationLink(made.id));
    });
  return html`
    <section class="card" aria-labelledby="fork-title">
      <h2 id="fork-title">Fork</h2>
      <p class="muted">A branch shares the past up to a round; it is paused until it is run.</p>
      <form class="form" onSubmit=${submitting(send)}>
        <${Input} id="fork-at" name="at" label="After round" type="number" min="0" max=${view.rounds_settled} required
          defaultValue=${Math.min(view.rounds_settled, view.rounds - 1)}
          hint=${`0 (before any) to ${view.rounds_settled}.`} />
        <${Input} id="fork-name" name="name" label="Name" maxlength="200"
          placeholder=${`${view.name} from round …`} />
        <${Input} id="fork-seed" name="seed" label="Seed" type="number" min="0" placeholder="this one's" />
        <${InterventionFields} prefix="fork" view=${view} health=${health} optional />
        <button class="primary" aria-disabled=${action.busy}>Fork</button>
        <${Outcome} action=${action} />
      </form>
    </section>`;
}
