// Who did what when; the newest first.
import { html } from "../vendor/htm-preact.js";
import { sayEvent } from "../lib/event_words.js";
import { simulationLink } from "../lib/route.js";
import { clock } from "../lib/words.js";

export function EventLog({ history, view, say, simulations }) {
  const branches = simulations.filter((other) => other.parent?.simulation_id === view.id);
  return html`
    <div class="pair">
      <section class="card" aria-labelledby="log-title">
        <h2 id="log-title">Event log</h2>
        <ol class="log" tabindex="0" aria-labelledby="log-title">
          ${history.log.toReversed().map(
            (event) => html`
            <li key=${event.seq} data-kind=${event.kind}>
              <time datetime=${event.time}>${clock(event.time)}</time>
              <span class="muted">after round ${event.settled}</span>
              <strong>${event.author}</strong>
              <span class="said">${sayEvent(event, say)}</span>
            </li>`,
          )}
        </ol>
        ${
          view.parent &&
          html`
            <p class="muted">
              What came before the fork is in${" "}
              <a href=${simulationLink(view.parent.simulation_id)}>the parent's log</a>.
            </p>`
        }
      </section>
      <section class="card" aria-labelledby="branches-title">
        <h2 id="branches-title">Branches</h2>
        ${branches.length === 0 && html`<p class="muted">None. Fork a past round, or ask a what-if.</p>`}
        <ul class="branches">
          ${branches.map(
            (branch) => html`
            <li key=${branch.id}>
              <a href=${simulationLink(branch.id)}>${branch.name}</a>
              <span class="muted">
                from round ${branch.parent.round}, ${branch.rounds_settled}/${branch.rounds} rounds
              </span>
              <span class="status" data-status=${branch.status}>${branch.status}</span>
            </li>`,
          )}
        </ul>
      </section>
    </div>`;
}
