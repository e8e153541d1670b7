// Who plays: one row for each checkpoint with its number of seats.
import { html, useState } from "../vendor/htm-preact.js";
import { Button, Input, Select } from "./fields.js";

export function Players({ checkpoints, preset, most }) {
  const [rows, setRows] = useState([0]);
  const add = () => setRows((old) => [...old, Math.max(...old) + 1]);
  const remove = (row) => setRows((old) => old.filter((other) => other !== row));
  return html`
    <fieldset>
      <legend>Who plays</legend>
      ${rows.map(
        (row, index) => html`
        <div class="player" key=${row}>
          <${Select} id=${`checkpoint-${row}`} name="checkpoint" label="Checkpoint" options=${checkpoints} />
          <${Input} id=${`seats-${row}`} name="seats" label="Seats" type="number" min="1" max=${most}
            required=${!preset || index > 0} defaultValue=${preset ? undefined : index === 0 ? Math.min(8, most) : 1}
            placeholder=${preset ? "the preset's" : ""} />
          ${rows.length > 1 && html`<${Button} class="small" onClick=${() => remove(row)}>Remove</${Button}>`}
        </div>`,
      )}
      <${Button} class="small" onClick=${add}>Add a checkpoint</${Button}>
    </fieldset>`;
}
