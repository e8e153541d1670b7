// The collusion (or violation) rate by round, with the threshold's share and what happened when.
import { html } from "../vendor/htm-preact.js";
import { roundsShown } from "../lib/rounds_axis.js";
import { capitalised, percent } from "../lib/words.js";
import { Chart } from "./chart.js";

export function RateChart({ view, history, metrics, say }) {
  const { rounds } = history;
  const game = view.paradigm === "games";
  const series = [
    { label: say.rate, color: "deviant", show: percent, points: true },
    ...(game ? [{ label: "threshold", color: "muted", show: percent, dash: [6, 4], stepped: true, width: 1.5 }] : []),
  ];
  const data = [
    rounds.map((round) => round.round),
    rounds.map((round) => round.deviant_rate),
    ...(game ? [rounds.map((round) => round.threshold / view.n_agents)] : []),
  ];
  const tip = metrics?.tipping_round;
  const marks = [...history.marks, ...(tip ? [{ round: tip, kind: "tipping" }] : [])];
  const summary = [
    `${rounds.length} of ${view.rounds} rounds settled`,
    `latest ${say.rate} ${percent(rounds.at(-1)?.deviant_rate)}`,
    tip ? `tipping round ${tip}` : "not tipped",
  ].join(", ");
  return html`<${Chart} title=${capitalised(say.rate)} summary=${summary} series=${series} data=${data}
    last=${roundsShown(view, rounds.length)} range=${[-0.02, 1.02]} marks=${marks}
    axis=${(value) => `${Math.round(value * 100)} %`} />`;
}
