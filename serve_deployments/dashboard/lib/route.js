// What is shown is in the address, so it can be reloaded, gone back to, and sent to somebody.
//   #/                        the form for a new simulation
//   #/simulations/ID          one simulation
//   #/compare?without=&with=  two groups of simulations
import { useEffect, useState } from "../vendor/htm-preact.js";

export const HOME = "#/";
export const simulationLink = (id) => `#/simulations/${id}`;
export const compareLink = (query = "") => `#/compare${query && `?${query}`}`;

function read(hash) {
  const [path, query] = hash.split("?");
  const [, id] = /^#\/simulations\/([0-9a-f]{12})$/.exec(path) ?? [];
  if (id) return { page: "simulation", id };
  if (path === "#/compare") return { page: "compare", query: query ?? "" };
  return { page: "home" };
}

export function go(link) {
  location.hash = link;
}

// A link to a place on the page, as the skip link is, is no route.
const isRoute = (hash) => hash === "" || hash.startsWith("#/");

export function useRoute() {
  const [route, setRoute] = useState(() => read(location.hash));
  useEffect(() => {
    const changed = () => isRoute(location.hash) && setRoute(read(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}
