// A simulation's name and status, where it comes from, and, prominently, what its results are not about.
import { html } from "../vendor/htm-preact.js";
import { simulationLink } from "../lib/route.js";
import { spaced } from "../lib/words.js";

const OVER = ["finished", "cancelled"];

export function SimulationHead({ view, connected, error }) {
  const players = Object.entries(view.checkpoints)
    .map(([name, seats]) => `${name} × ${seats}`)
    .join(", ");
  return html`
    <div class="head">
      <h1>${view.name}</h1>
      <span class="status" data-status=${view.status}>${view.status}</span>
      ${
        !OVER.includes(view.status) &&
        html`<span class=${connected ? "line" : "line broken"}>${connected ? "live" : "not connected"}</span>`
      }
    </div>
    ${view.label && html`<p class="label" role="note"><strong>Label:</strong> ${view.label}</p>`}
    ${view.reason && html`<p class="error" role="alert">Failed: ${view.reason}</p>`}
    ${error && html`<p class="error" role="alert">${error.message}</p>`}
    <p class="muted">
      ${spaced(view.scenario)} (${spaced(view.paradigm)}) · ${players} · made by ${view.author}${" "}
      ${
        view.parent &&
        html`· <a href=${simulationLink(view.parent.simulation_id)}>branch from round ${view.parent.round}</a> `
      }
      · <code>${view.id}</code>
    </p>`;
}
