// All simulations, each with the branches that leave it indented below.
import { html } from "../vendor/htm-preact.js";
import { HOME, simulationLink } from "../lib/route.js";
import { spaced } from "../lib/words.js";

const MOST_OPEN = 6; // a what-if makes many branches; they are folded away

export function SimulationList({ simulations, chosen, page }) {
  return html`
    <nav class="list" aria-label="Simulations">
      <a class="back" href=${HOME} hidden=${page === "home"}>← All simulations</a>
      <div class="list-body">
        <h2>Simulations</h2>
        ${simulations === null && html`<p class="muted">Loading…</p>`}
        ${simulations?.length === 0 && html`<p class="muted">None yet. Start one with the form.</p>`}
        ${simulations?.length > 0 && html`<${Branches} all=${byParent(simulations)} of="" chosen=${chosen} />`}
      </div>
    </nav>`;
}

function byParent(simulations) {
  const all = new Map();
  for (const simulation of simulations) {
    const parent = simulation.parent?.simulation_id ?? "";
    all.set(parent, [...(all.get(parent) ?? []), simulation]);
  }
  // The newest tree first; the branches of one in the order they were made.
  all.get("")?.reverse();
  return all;
}

const Branches = ({ all, of, chosen, label = null }) => html`
  <ul>
    ${all.get(of).map(
      (simulation) => html`
      <li key=${simulation.id}>
        <${Entry} simulation=${simulation} chosen=${simulation.id === chosen}
          label=${simulation.label !== label && simulation.label} />
        ${
          all.has(simulation.id) &&
          html`
          <details open=${isOpen(all.get(simulation.id), chosen)}>
            <summary>${countOf(all.get(simulation.id).length, "branch", "branches")}</summary>
            <${Branches} all=${all} of=${simulation.id} chosen=${chosen} label=${simulation.label} />
          </details>`
        }
      </li>`,
    )}
  </ul>`;

const isOpen = (branches, chosen) => branches.length <= MOST_OPEN || branches.some(({ id }) => id === chosen);
const countOf = (n, one, many) => `${n} ${n === 1 ? one : many}`;

// A branch tells only what its parent does not.
const Entry = ({ simulation, chosen, label }) => html`
  <a class="entry" href=${simulationLink(simulation.id)} aria-current=${chosen ? "page" : undefined}>
    <span class="entry-name">${simulation.name}</span>
    <span class="status" data-status=${simulation.status}>${simulation.status}</span>
    <span class="entry-facts">
      ${
        simulation.parent
          ? `from round ${simulation.parent.round}`
          : `${spaced(simulation.scenario)} · ${countOf(simulation.n_agents, "seat", "seats")}`
      }
      ${` · ${simulation.rounds_settled}/${simulation.rounds} rounds`}
    </span>
    ${label && html`<span class="entry-label" title=${label}>${label}</span>`}
  </a>`;
