// Puts the dashboard on the page.
import { html, render } from "./vendor/htm-preact.js";
import { App } from "./parts/app.js";

render(html`<${App} />`, document.getElementById("app"));
