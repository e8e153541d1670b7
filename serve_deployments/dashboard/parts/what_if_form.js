// What if: pairs of branches with and without an intervention, and how they come to differ.
import { html, useState } from "../vendor/htm-preact.js";
import { post } from "../lib/api.js";
import { readIntervention } from "../lib/interventions.js";
import { compareLink } from "../lib/route.js";
import { useAction } from "../lib/use_action.js";
import { Comparison } from "./comparison.js";
import { Input, Outcome, submitting } from "./fields.js";
import { InterventionFields } from "./intervention_fields.js";

export function WhatIfForm({ view, health, simulations, changed }) {
  const action = useAction();
  const [query, setQuery] = useState(null);
  const send = (form) =>
    action.run(async () => {
      const number = (name) => Number(form.get(name));
      const body = {
        round: number("at"),
        rounds: number("rounds"),
        seeds: number("seeds"),
        interventions: [readIntervention(form)],
      };
      const made = await post(`v1/simulations/${view.id}/what-ifs`, body);
      setQuery(made.comparison.split("?")[1]);
      changed();
      return `${made.with.length} pairs of branches are playing.`;
    });
  return html`
    <section class="card" aria-labelledby="what-if-title">
      <h2 id="what-if-title">What if</h2>
      <p class="muted">Pairs of branches, with and without an intervention, over several seeds.</p>
      <form class="form" onSubmit=${submitting(send)}>
        <${Input} id="what-if-at" name="at" label="After round" type="number" min="0" max=${view.rounds_settled}
          required defaultValue="0" />
        <${Input} id="what-if-rounds" name="rounds" label="Rounds to play on" type="number" min="1" max=${view.rounds}
          required          defaultValue=${Math.min(5, view.rounds)} />
        <${Input} id="what-if-seeds" name="seeds" label="Seeds" type="number" min="1" max="64" required defaultValue="3"
          hint="Two branches each; an interval needs two seeds." />
        <${InterventionFields} prefix="what-if" view=${view} health=${health} />
        <button class="primary" aria-disabled=${action.busy}>Ask</button>
        <${Outcome} action=${action} />
      </form>
    </section>
    ${
      query &&
      html`
      <section class="card wide" aria-labelledby="what-if-answer">
        <h2 id="what-if-answer">What if: with against without</h2>
        <p><a href=${compareLink(query)}>Open this comparison on its own page</a></p>
        <${Comparison} query=${query} simulations=${simulations} />
      </section>`
    }`;
}
