// What the service offers and which simulations it has, asked again every few seconds while the page is looked at.
import { useCallback, useEffect, useState } from "../vendor/htm-preact.js";
import { get, pages } from "./api.js";

const EVERY_MS = 2000;

export function useService() {
  const [shown, setShown] = useState({ health: null, simulations: null, error: null });
  const [turn, setTurn] = useState(0);
  const reload = useCallback(() => setTurn((old) => old + 1), []);
  useEffect(() => {
    const ending = new AbortController();
    let timer = null;
    const ask = async () => {
      try {
        if (!document.hidden) {
          const [health, simulations] = await Promise.all([
            get("v1/health", ending.signal),
            pages("v1/simulations", "simulations", ending.signal),
          ]);
          setShown({ health, simulations, error: null });
        }
      } catch (error) {
        if (ending.signal.aborted) return;
        setShown((old) => ({ ...old, error }));
        if (error.status === 401) return;
      }
      timer = setTimeout(ask, EVERY_MS);
    };
    ask();
    return () => {
      ending.abort();
      clearTimeout(timer);
    };
  }, [turn]);
  return { ...shown, reload };
}
