// Small parts of forms: every input has its label, every outcome its line.
import { html } from "../vendor/htm-preact.js";

export const Field = ({ id, label, hint, children }) => html`
  <div class="field">
    <label for=${id}>${label}</label>
    ${children}
    ${hint && html`<small id=${`${id}-hint`}>${hint}</small>`}
  </div>`;

export const Input = ({ id, label, hint, ...rest }) => html`
  <${Field} id=${id} label=${label} hint=${hint}>
    <input id=${id} aria-describedby=${hint ? `${id}-hint` : undefined} autocomplete="off" ...${rest} />
  <//>`;

// Options are texts, or pairs of a value and what is shown for it. A field that is to keep what is typed while the page
// is drawn anew has `initial` or `defaultValue`; `value` would be put back each time.
export const Select = ({ id, label, hint, options, initial, ...rest }) => html`
  <${Field} id=${id} label=${label} hint=${hint}>
    <select id=${id} aria-describedby=${hint ? `${id}-hint` : undefined} ...${rest}>
      ${options.map((option) => {
        const [value, text] = Array.isArray(option) ? option : [option, option];
        const selected = initial === undefined ? undefined : value === initial;
        return html`<option key=${value} value=${value} selected=${selected}>${text}</option>`;
      })}
    </select>
  <//>`;

export const Outcome = ({ action }) => html`
  <div class="outcome" aria-live="polite">
    ${action.error && html`<p class="error" role="alert">${action.error}</p>`}
    ${action.done && html`<p class="done">${action.done}</p>`}
  </div>`;

// A button that keeps its focus when it is off: a disabled one would drop it.
export const Button = ({ off = false, onClick, children, ...rest }) => html`
  <button type="button" aria-disabled=${off || undefined} onClick=${(event) => !off && onClick?.(event)} ...${rest}>
    ${children}
  </button>`;

// Facts by name.
export const Facts = ({ facts }) => html`
  <dl class="figures">
    ${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;

// Handles a form: no reload, its data to `send`.
export const submitting = (send) => (event) => {
  event.preventDefault();
  send(new FormData(event.currentTarget), event.currentTarget);
};
