// Intervene in a simulation from its next round on.
import { html } from "../vendor/htm-preact.js";
import { post } from "../lib/api.js";
import { readIntervention } from "../lib/interventions.js";
import { useAction } from "../lib/use_action.js";
import { Outcome, submitting } from "./fields.js";
import { InterventionFields } from "./intervention_fields.js";

export function InterventionForm({ view, health, changed }) {
  const action = useAction();
  const over = ["finished", "cancelled"].includes(view.status);
  const send = (form) =>
    action.run(async () => {
      await post(`v1/simulations/${view.id}/interventions`, readIntervention(form));
      changed();
      return "Done; it is in the event log.";
    });
  return html`
    <section class="card" aria-labelledby="intervene-title">
      <h2 id="intervene-title">Intervene</h2>
      <p class="muted">
        ${over ? `It is ${view.status}; fork it at an earlier round instead.` : "In force from the next round on."}
      </p>
      <form class="form" onSubmit=${submitting(send)}>
        <${InterventionFields} prefix="intervene" view=${view} health=${health} />
        <button class="primary" aria-disabled=${action.busy}>Intervene</button>
        <${Outcome} action=${action} />
      </form>
    </section>`;
}
