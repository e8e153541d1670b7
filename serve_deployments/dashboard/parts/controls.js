// Run, pause, step, run until, cancel, delete.
import { html, useState } from "../vendor/htm-preact.js";
import { post, remove } from "../lib/api.js";
import { useAction } from "../lib/use_action.js";
import { words } from "../lib/words.js";
import { Button, Input, Outcome, submitting } from "./fields.js";

// From which status each command may be given, as the service has it.
const FROM = {
  run: ["paused", "failed"],
  step: ["paused", "failed"],
  pause: ["running"],
  cancel: ["paused", "running", "failed"],
};

export function Controls({ view, changed, gone, stop, restart }) {
  const action = useAction();
  const may = (command) => FROM[command].includes(view.status);
  const control = (command, until = {}) =>
    action.run(async () => {
      await post(`v1/simulations/${view.id}/control`, { command, until });
      changed();
    });
  const removed = () =>
    action.run(async () => {
      stop(); // nothing is asked about a simulation that is gone
      try {
        await remove(`v1/simulations/${view.id}`);
      } catch (error) {
        restart();
        throw error;
      }
      gone();
    });
  const rate = view.options.length > 0 ? words(view).rate : "rate";
  const runUntil = (form) => {
    if (!may("run")) return undefined;
    const until = {};
    if (form.get("round")) until.round = Number(form.get("round"));
    if (form.get("rate")) until.rate_above = Number(form.get("rate")) / 100;
    return control("run", until);
  };
  return html`
    <section class="card controls" aria-label="Controls">
      <div class="actions">
        <${Button} class="primary" off=${!may("run")} onClick=${() => control("run")}>Run</${Button}>
        <${Button} off=${!may("pause")} onClick=${() => control("pause")}>Pause</${Button}>
        <${Button} off=${!may("step")} onClick=${() => control("step")}>Step</${Button}>
        <span class="gap"></span>
        <${Confirmed} off=${!may("cancel")} text="Cancel" question="Cancel for good?"
          onYes=${() => control("cancel")} />
        <${Confirmed} off=${view.status === "running" || view.branches.length > 0} text="Delete" question="Delete it?"
          onYes=${removed} />
      </div>
      <form class="actions until" onSubmit=${submitting(runUntil)}>
        <${Input} id="until-round" name="round" label="Run until round" type="number" min="1" max=${view.rounds} />
        <${Input} id="until-rate" name="rate" label=${`or until the ${rate} is above, %`} type="number" min="0" max="99"
          step="any" />
        <button aria-disabled=${!may("run") || undefined}>Run until</button>
      </form>
      <${Outcome} action=${action} />
    </section>`;
}

// A button that asks once more before it acts.
function Confirmed({ off, text, question, onYes }) {
  const [asking, setAsking] = useState(false);
  if (!asking || off)
    return html`<${Button} class="danger" off=${off} onClick=${() => setAsking(true)}>${text}</${Button}>`;
  const focused = (element) => element?.focus();
  return html`
    <span class="confirm" role="group" aria-label=${question}>
      <span>${question}</span>
      <${Button} class="danger" onClick=${() => {
        setAsking(false);
        onYes();
      }}>Yes</${Button}>
      <button type="button" ref=${focused} onClick=${() => setAsking(false)}>No</button>
    </span>`;
}
