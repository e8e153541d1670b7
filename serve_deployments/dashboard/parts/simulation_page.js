// One simulation: how it stands, its charts, every choice, and everything that can be done to it.
import { html, useState } from "../vendor/htm-preact.js";
import { sayConvergence, sayLeader } from "../lib/options.js";
import { go, HOME } from "../lib/route.js";
import { useSimulation } from "../lib/use_simulation.js";
import { capitalised, number, percent, spaced, words } from "../lib/words.js";
import { AgentPanel } from "./agent_panel.js";
import { CapitalChart } from "./capital_chart.js";
import { ChoiceGrid } from "./choice_grid.js";
import { Controls } from "./controls.js";
import { EventLog } from "./event_log.js";
import { Facts } from "./fields.js";
import { ForkForm } from "./fork_form.js";
import { InterventionForm } from "./intervention_form.js";
import { RateChart } from "./rate_chart.js";
import { RoundsTable } from "./rounds_table.js";
import { SharesChart } from "./shares_chart.js";
import { SimulationHead } from "./simulation_head.js";
import { WhatIfForm } from "./what_if_form.js";

// Numbers that have a place of their own, or follow from others.
const KNOWN = ["threshold", "high", "medium", "low", "incentive_ratio", "supervision"];

export function SimulationPage({ id, health, simulations, reload }) {
  const { view, metrics, history, error, connected, refresh, stop, restart } = useSimulation(id);
  const [opened, setOpened] = useState(null);
  const changed = () => {
    refresh();
    reload();
  };
  const gone = () => {
    reload();
    go(HOME);
  };
  if (error && !view) return html`<p class="error" role="alert">${error.message}</p>`;
  if (!view || !history) return html`<p class="muted">Loading…</p>`;
  const say = words(view);
  const shared = { view, history, metrics, say };
  const shares = view.options.length > 0;
  return html`
    <${SimulationHead} view=${view} connected=${connected} error=${error} />
    <p class="unseen" role="status">${announcement(view, metrics, say)}</p>
    <${Controls} view=${view} ...${{ changed, gone, stop, restart }} />
    <${Figures} view=${view} metrics=${metrics} history=${history} say=${say} />
    <div class="pair">
      <${shares ? SharesChart : RateChart} ...${shared} />
      <${CapitalChart} ...${shared} />
    </div>
    <${RoundsTable} ...${shared} />
    <${ChoiceGrid} ...${shared} open=${setOpened} />
    <div class="tools">
      <${InterventionForm} view=${view} health=${health} changed=${changed} />
      <${ForkForm} view=${view} health=${health} changed=${changed} />
      <${WhatIfForm} view=${view} health=${health} simulations=${simulations} changed=${changed} />
    </div>
    <${EventLog} ...${shared} simulations=${simulations} />
    ${opened && html`<${AgentPanel} ...${shared} at=${opened} move=${setOpened} close=${() => setOpened(null)} />`}`;
}

// Said to screen readers: what changes rarely, not every round.
function announcement(view, metrics, say) {
  if (view.options.length > 0) {
    const told = metrics?.converged_on ? ` ${capitalised(sayConvergence(metrics))}.` : "";
    return `Simulation ${view.name} is ${view.status}.${told}`;
  }
  const tip = metrics?.tipping_round;
  const tipped = tip ? ` The ${say.rate} stays above one half from round ${tip}.` : "";
  return `Simulation ${view.name} is ${view.status}.${tipped}`;
}

function Figures({ view, metrics, history, say }) {
  const last = history.rounds.at(-1);
  const rewards = [view.high, view.medium, view.low].filter((one) => one !== null);
  const facts = [
    ["Round", `${history.rounds.length} of ${view.rounds}`],
    ...(view.options.length > 0
      ? [
          ["Most frequent", sayLeader(last)],
          ["Convergence", sayConvergence(metrics)],
        ]
      : [
          [`${say.rate} now`, percent(last?.deviant_rate)],
          ["Tipping round", metrics?.tipping_round ?? "not tipped"],
        ]),
    ...(view.threshold ? [["Threshold", `${view.threshold} of ${view.n_agents}`]] : []),
    ...(rewards.length > 0 ? [["Rewards", rewards.join(" / ")]] : []),
    ...(view.supervision ? [["Supervision", spaced(view.supervision)]] : []),
    ...Object.entries(view.setting)
      .filter(([name]) => !KNOWN.includes(name))
      .map(([name, value]) => [capitalised(spaced(name)), typeof value === "number" ? number(value) : (value ?? "–")]),
    ...(metrics?.monitors ?? []).map((monitor) => [`Monitor: ${spaced(monitor.kind)}`, firing(monitor)]),
  ];
  return html`<${Facts} facts=${facts} />`;
}

function firing({ fired_at: at, rounds_before_tip: lead }) {
  if (at === null) return "not fired";
  if (lead === null) return `round ${at}`;
  return `round ${at} (${lead === 0 ? "at the tip" : `${Math.abs(lead)} ${lead > 0 ? "before" : "after"} the tip`})`;
}
