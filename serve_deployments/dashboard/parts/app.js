// The page: header, the list of simulations, and what the address asks for.
import { html, useEffect, useRef } from "../vendor/htm-preact.js";
import { useRoute } from "../lib/route.js";
import { useService } from "../lib/use_service.js";
import { ComparePage } from "./compare_page.js";
import { Header } from "./header.js";
import { NewSimulation } from "./new_simulation.js";
import { SimulationList } from "./simulation_list.js";
import { SimulationPage } from "./simulation_page.js";
import { TokenForm } from "./token_form.js";

export function App() {
  const route = useRoute();
  const { health, simulations, error, reload } = useService();
  const main = useRef(null);
  const place = `${route.page} ${route.id ?? ""}`;
  const shown = useRef(place);
  useEffect(() => {
    // Who goes to another page begins at its top, with the keyboard too.
    if (shown.current !== place) main.current?.focus();
    shown.current = place;
  }, [place]);
  if (error?.status === 401) return html`<${TokenForm} problem=${error.message} onToken=${reload} />`;
  const skip = (event) => {
    event.preventDefault();
    main.current?.focus();
  };
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <${Header} health=${health} error=${error} />
    <div class="columns" data-page=${route.page}>
      <${SimulationList} simulations=${simulations} chosen=${route.id} page=${route.page} />
      <main id="main" tabindex="-1" ref=${main}>
        ${health && simulations && html`<${Content} ...${{ route, health, simulations, reload }} />`}
      </main>
    </div>`;
}

function Content({ route, health, simulations, reload }) {
  if (route.page === "simulation") {
    return html`<${SimulationPage} key=${route.id} id=${route.id} ...${{ health, simulations, reload }} />`;
  }
  if (route.page === "compare") {
    return html`<${ComparePage} key=${route.query} query=${route.query} simulations=${simulations} />`;
  }
  return html`<${NewSimulation} health=${health} reload=${reload} />`;
}
