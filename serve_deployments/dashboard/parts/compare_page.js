// Any two simulations side by side; a what-if's groups come here by their link.
import { html } from "../vendor/htm-preact.js";
import { compareLink, go, simulationLink } from "../lib/route.js";
import { Comparison } from "./comparison.js";
import { Input, Select, submitting } from "./fields.js";

export function ComparePage({ query, simulations }) {
  const asked = new URLSearchParams(query);
  const [without, with_] = ["without", "with"].map((name) => asked.get(name)?.split(",") ?? []);
  const options = simulations.map(({ id, name, parent }) => [
    id,
    `${name}${parent ? ` (from round ${parent.round})` : ""} · ${id}`,
  ]);
  const send = (form) => go(compareLink(new URLSearchParams(form).toString()));
  return html`
    <h1>Compare</h1>
    <p class="muted lead">Two simulations round by round, or the two groups of a what-if.</p>
    ${
      simulations.length === 0
        ? html`<p class="muted">There is no simulation to compare yet.</p>`
        : html`
      <form class="card form inline" onSubmit=${submitting(send)}>
        <${Select} id="without" name="without" label="Without (baseline)" options=${options} initial=${without[0]} />
        <${Select} id="with" name="with" label="With (changed)" options=${options}
          initial=${with_[0] ?? options.at(-1)[0]} />
        <${Input} id="after" name="after" label="Only after round" type="number" min="0" required
          defaultValue=${asked.get("after") ?? "0"} />
        <button class="primary">Compare</button>
      </form>`
    }
    ${
      query &&
      html`
      <section class="card" aria-label="Comparison">
        <${Group} name="Without" ids=${without} simulations=${simulations} />
        <${Group} name="With" ids=${with_} simulations=${simulations} />
        <${Comparison} query=${query} simulations=${simulations} />
      </section>`
    }`;
}

const Group = ({ name, ids, simulations }) => html`
  <p><strong>${name}:</strong>${" "}
    ${ids.map((id, index) => {
      const name = simulations.find((one) => one.id === id)?.name ?? id;
      return html`${index > 0 && ", "}<a href=${simulationLink(id)}>${name}</a>`;
    })}
  </p>`;
