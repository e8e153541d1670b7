// The banner: what this is, whether the service answers, and who acts.
import { html } from "../vendor/htm-preact.js";
import { compareLink, HOME } from "../lib/route.js";
import { author, AUTHOR_PATTERN, setAuthor } from "../lib/session.js";

export function Header({ health, error }) {
  const [engine] = Object.entries(health?.starting ?? {});
  const state = error
    ? error.message
    : engine
      ? `starting ${engine[0]}: ${engine[1]}`
      : health
        ? "service answers"
        : "connecting";
  return html`
    <header class="banner">
      <a class="brand" href=${HOME}>atp_ray <span>simulations</span></a>
      <nav aria-label="Pages">
        <a href=${HOME}>New simulation</a>
        <a href=${compareLink()}>Compare</a>
      </nav>
      <p class=${error ? "line broken" : "line"} role="status">${state}</p>
      <label class="author">
        <span>Acting as</span>
        <input defaultValue=${author()} pattern=${AUTHOR_PATTERN} maxlength="100" autocomplete="off"
          title="Letters, digits and _ . @ + -" onChange=${(event) => setAuthor(event.target.value)} />
      </label>
    </header>`;
}
