// The numbers behind the charts, for who would rather read them.
import { html } from "../vendor/htm-preact.js";
import { capitalised, number, percent } from "../lib/words.js";

// What was decided: the share of each option among all seats, or how many deviated.
const shareColumns = (options) => [
  ...options.map((option) => [option, (round) => percent(round.population_shares[option])]),
  ["no decision", (round) => round.n_unparsed + round.n_missing],
  ["asked", (round) => round.n_asked],
];
const rateColumns = (say) => [
  [capitalised(say.rate), (round) => percent(round.deviant_rate)],
  [say.deviant, (round) => round.n_deviant],
  [say.aligned, (round) => round.n_aligned],
  ["no decision", (round) => round.n_unparsed + round.n_missing],
  ["Threshold", (round) => round.threshold ?? "–"],
];

export function RoundsTable({ history, view, say }) {
  const columns = view.options.length > 0 ? shareColumns(view.options) : rateColumns(say);
  return html`
  <details class="card numbers">
    <summary>The numbers of every round</summary>
    <div class="scroll" tabindex="0" role="region" aria-label="Numbers of every round">
      <table>
        <thead>
          <tr>
            <th scope="col">Round</th>
            ${columns.map(([name]) => html`<th scope="col" key=${name}>${name}</th>`)}
            <th scope="col">Success</th><th scope="col">Capital: mean</th><th scope="col">min</th>
            <th scope="col">max</th><th scope="col">Gini</th>
          </tr>
        </thead>
        <tbody>
          ${history.rounds.map(
            (round) => html`
            <tr key=${round.round}>
              <th scope="row">${round.round}</th>
              ${columns.map(([name, show]) => html`<td key=${name}>${show(round)}</td>`)}
              <td>${round.success === null ? "–" : round.success ? "yes" : "no"}</td>
              <td>${number(round.capital_mean)}</td>
              <td>${number(round.capital_min)}</td><td>${number(round.capital_max)}</td><td>${gini(round)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}

// Rounding errors of equal capital are no inequality.
const gini = ({ capital_gini: value }) => (value === null ? "–" : value.toFixed(3));
