// The share of each option by round, among all seats, and from which round on the population agrees.
import { html } from "../vendor/htm-preact.js";
import { optionLine, sayConvergence, sayShares } from "../lib/options.js";
import { roundsShown } from "../lib/rounds_axis.js";
import { percent } from "../lib/words.js";
import { Chart } from "./chart.js";

const FEW = 30; // rounds of which each has a point of its own

export function SharesChart({ view, history, metrics }) {
  const { rounds } = history;
  const points = view.rounds <= FEW;
  const series = view.options.map((label, index) => ({ label, show: percent, points, ...optionLine(index) }));
  const data = [
    rounds.map((round) => round.round),
    ...view.options.map((option) => rounds.map((round) => round.population_shares[option] ?? null)),
  ];
  const converged = metrics?.converged_round;
  const marks = [...history.marks, ...(converged ? [{ round: converged, kind: "converged" }] : [])];
  const summary = [
    `${rounds.length} of ${view.rounds} rounds settled`,
    `latest shares: ${sayShares(rounds.at(-1))}`,
    sayConvergence(metrics),
  ].join(", ");
  return html`<${Chart} title="Share of each choice, all seats" summary=${summary} series=${series} data=${data}
    last=${roundsShown(view, rounds.length)} range=${[-0.02, 1.02]} marks=${marks}
    axis=${(value) => `${Math.round(value * 100)} %`} />`;
}
