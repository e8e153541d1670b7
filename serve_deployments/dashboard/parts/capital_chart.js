// Capital by round: the mean, and the band from the poorest to the richest seat.
import { html } from "../vendor/htm-preact.js";
import { roundsShown } from "../lib/rounds_axis.js";
import { number } from "../lib/words.js";
import { Chart } from "./chart.js";

const SERIES = [
  { label: "mean", color: "aligned", show: number },
  { label: "max", color: "aligned", show: number, width: 1, dash: [2, 3] },
  { label: "min", color: "aligned", show: number, width: 1, dash: [2, 3] },
];
const BANDS = [[2, 3]];

export function CapitalChart({ view, history }) {
  const { rounds } = history;
  const data = [
    rounds.map((round) => round.round),
    rounds.map((round) => round.capital_mean),
    rounds.map((round) => round.capital_max),
    rounds.map((round) => round.capital_min),
  ];
  const last = rounds.at(-1);
  const summary = last
    ? ["mean", "min", "max"].map((name) => `${name} ${number(last[`capital_${name}`])}`).join(", ")
    : "No round yet.";
  return html`<${Chart} title="Capital" summary=${summary} series=${SERIES} data=${data} bands=${BANDS}
    last=${roundsShown(view, rounds.length)} marks=${history.marks} axis=${number} />`;
}
