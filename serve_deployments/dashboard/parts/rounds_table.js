// The numbers behind the charts, for who would rather read them.
import { html } from "../vendor/htm-preact.js";
import { capitalised, number, percent } from "../lib/words.js";

export const RoundsTable = ({ history, view, say }) => html`
  <details class="card numbers">
    <summary>The numbers of every round</summary>
    <div class="scroll" tabindex="0" role="region" aria-label="Numbers of every round">
      <table>
        <thead>
          <tr>
            <th scope="col">Round</th><th scope="col">${capitalised(say.rate)}</th><th scope="col">${say.deviant}</th>
            <th scope="col">${say.aligned}</th><th scope="col">no decision</th><th scope="col">Threshold</th>
            <th scope="col">Success</th><th scope="col">Capital: mean</th><th scope="col">min</th>
            <th scope="col">max</th><th scope="col">Gini</th>
          </tr>
        </thead>
        <tbody>
          ${history.rounds.map(
            (round) => html`
            <tr key=${round.round}>
              <th scope="row">${round.round}</th><td>${percent(round.deviant_rate)}</td><td>${round.n_deviant}</td>
              <td>${round.n_aligned}</td><td>${round.n_unparsed + round.n_missing}</td>
              <td>${round.threshold ?? "–"}</td>
              <td>${round.success === null ? "–" : round.success ? "yes" : "no"}</td>
              <td>${number(round.capital_mean)}</td>
              <td>${number(round.capital_min)}</td><td>${number(round.capital_max)}</td><td>${gini(round)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`;

// Rounding errors of equal capital are no inequality.
const gini = ({ capital_gini: value }) => (value === null ? "–" : value.toFixed(3));
