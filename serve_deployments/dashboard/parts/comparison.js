// Two groups of simulations, round by round: both rates, and their difference with its interval over seeds.
import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { get } from "../lib/api.js";
import { percent, signed } from "../lib/words.js";
import { Chart } from "./chart.js";

const RATES = [
  { label: "without", color: "aligned", show: percent, points: true, dash: [6, 4] },
  { label: "with", color: "deviant", show: percent, points: true },
];
const GAP = [
  { label: "with − without", color: "accent", show: signed, points: true },
  { label: "to (95 %)", color: "accent", show: signed, width: 1, dash: [2, 3] },
  { label: "from (95 %)", color: "accent", show: signed, width: 1, dash: [2, 3] },
];

export function Comparison({ query, simulations }) {
  const { told, error } = useComparison(query, simulations);
  if (error) return html`<p class="error" role="alert">${error}</p>`;
  if (!told) return html`<p class="muted">Loading…</p>`;
  if (told.differences.length === 0) return html`<p class="muted">No round is settled in all of them yet.</p>`;
  const column = (name) => told.differences.map((row) => row[name]);
  const rounds = column("round");
  const last = told.differences.at(-1);
  const both = `${percent(last.with)} with, ${percent(last.without)} without`;
  const summary = `In round ${last.round}: ${both}, difference ${sayGap(last)}.`;
  const shared = { summary, first: rounds[0], last: rounds.at(-1) };
  return html`
    <div class="stack">
      ${told.label && html`<p class="label" role="note"><strong>Label:</strong> ${told.label}</p>`}
      <p>${summary}</p>
      <div class="pair">
        <${Chart} title="Rates" series=${RATES} range=${[-0.02, 1.02]}
          data=${[rounds, column("without"), column("with")]}
          axis=${(value) => `${Math.round(value * 100)} %`} ...${shared} />
        <${Chart} title="Difference" series=${GAP} data=${[rounds, column("difference"), column("high"), column("low")]}
          bands=${[[2, 3]]} range=${[-1.02, 1.02]} axis=${(value) => `${Math.round(value * 100)} pp`} ...${shared} />
      </div>
      <${Differences} rows=${told.differences} />
    </div>`;
}

const sayGap = ({ difference, low, high }) =>
  `${signed(difference)}${low === null ? " (no interval: one pair)" : ` [${signed(low)}, ${signed(high)}]`}`;

const Differences = ({ rows }) => html`
  <div class="scroll" tabindex="0" role="region" aria-label="Differences by round">
    <table>
      <caption>Percentage points (pp); the 95 % interval is over pairs of seeds.</caption>
      <thead><tr>
        <th scope="col">Round</th><th scope="col">Without</th><th scope="col">With</th><th scope="col">Difference</th>
        <th scope="col">95 % interval</th><th scope="col">Pairs</th>
      </tr></thead>
      <tbody>
        ${rows.map(
          (row) => html`
          <tr key=${row.round}>
            <th scope="row">${row.round}</th><td>${percent(row.without)}</td><td>${percent(row.with)}</td>
            <td>${signed(row.difference)}</td>
            <td>${row.low === null ? "–" : `${signed(row.low)} to ${signed(row.high)}`}</td>
            <td>${row.n_pairs}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;

// Asked again whenever one of the compared has settled more rounds.
function useComparison(query, simulations) {
  const [state, setState] = useState({ told: null, error: null });
  const asked = new URLSearchParams(query);
  const ids = new Set(["without", "with"].flatMap((name) => asked.get(name)?.split(",") ?? []));
  const settled = simulations.filter(({ id }) => ids.has(id)).reduce((sum, one) => sum + one.rounds_settled, 0);
  useEffect(() => {
    const ending = new AbortController();
    get(`v1/comparisons?${query}`, ending.signal)
      .then((told) => setState({ told, error: null }))
      .catch((error) => !ending.signal.aborted && setState((old) => ({ ...old, error: error.message })));
    return () => ending.abort();
  }, [query, settled]);
  return state;
}
