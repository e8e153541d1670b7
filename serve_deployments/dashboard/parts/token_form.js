// Asks for the token of a service that has one.
import { html } from "../vendor/htm-preact.js";
import { setToken } from "../lib/session.js";
import { Input, submitting } from "./fields.js";

export function TokenForm({ problem, onToken }) {
  const send = (form) => {
    setToken(form.get("token").trim());
    onToken();
  };
  return html`
    <main id="main" class="gate" tabindex="-1">
      <h1>Token</h1>
      <p>This service asks for a token. It is kept in this tab only.</p>
      <p class="error" role="alert">${problem}</p>
      <form onSubmit=${submitting(send)}>
        <${Input} id="token" name="token" label="Bearer token" type="password" required />
        <button class="primary">Go on</button>
      </form>
    </main>`;
}
