// The kind of an intervention and the fields that go with it.
import { html, useState } from "../vendor/htm-preact.js";
import { KINDS, kindsFor } from "../lib/interventions.js";
import { spaced, words } from "../lib/words.js";
import { Field, Input, Select } from "./fields.js";

// `prefix` keeps the ids of several forms apart; `optional` offers no intervention at all.
export function InterventionFields({ prefix, view, health, optional = false }) {
  const kinds = kindsFor(view.paradigm);
  const [kind, setKind] = useState(optional ? "" : kinds[0]);
  const options = kinds.map((name) => [name, KINDS[name].label]);
  return html`
    <${Select} id=${`${prefix}-kind`} name="kind" label="Intervention" value=${kind}
      onChange=${(event) => setKind(event.target.value)}
      options=${optional ? [["", "none"], ...options] : options} />
    ${
      kind &&
      KINDS[kind].fields.map(
        (field) => html`
      <${One} key=${`${kind}-${field.name}`} id=${`${prefix}-${field.name}`} ...${{ field, view, health }} />`,
      )
    }`;
}

function One({ field, id, view, health }) {
  const { name, label, type, options, optional, step, min } = field;
  const shared = { id, name, label };
  const say = words(view);
  switch (type) {
    case "seats":
      return html`<${Input} ...${shared} required placeholder=${view.n_agents > 1 ? "0-3, 7" : "0"}
        hint=${`Seats are 0 to ${view.n_agents - 1}.`} />`;
    case "select":
      return html`
        <${Select} ...${shared} options=${options.map((option) => [option, say[option] ?? spaced(option)])} />`;
    case "pattern":
      return html`<${Select} ...${shared} options=${health.supervision.map((name) => [name, spaced(name)])} />`;
    case "checkpoint":
      return html`<${Select} ...${shared} options=${health.checkpoints} />`;
    case "text":
      return html`
        <${Field} id=${id} label=${label}>
          <textarea id=${id} name=${name} rows="3" maxlength="2000" required></textarea>
        <//>`;
    default:
      return html`<${Input} ...${shared} type="number" step=${step} min=${min ?? 0} required=${!optional}
        placeholder=${optional ? `now ${view[name] ?? ""}` : ""} />`;
  }
}
