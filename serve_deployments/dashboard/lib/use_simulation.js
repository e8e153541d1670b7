// A simulation as it happens: its view, its metrics, and its history from the event stream.
import { useCallback, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { get, pages } from "./api.js";
import { follow } from "./event_stream.js";
import { History } from "./history.js";

const DRAW_EVERY_MS = 100; // rounds may come faster than anybody can look
const ASK_EVERY_MS = 300;

export function useSimulation(id) {
  const [shown, setShown] = useState({ view: null, metrics: null, history: null, error: null, connected: false });
  const refresh = useRef(() => {});
  const ending = useRef(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    ending.current = new AbortController();
    const { signal } = ending.current;
    const show = (part) => !signal.aborted && setShown((old) => ({ ...old, ...part }));
    const path = `v1/simulations/${id}`;
    const ask = throttled(
      ASK_EVERY_MS,
      signal,
      async () => {
        const [view, metrics] = await Promise.all([get(path, signal), get(`${path}/metrics`, signal)]);
        show({ view, metrics, error: null });
      },
      (error) => show({ error }),
    );
    refresh.current = ask;
    const begin = async () => {
      const view = await get(path, signal);
      const history = new History(view.parent?.round ?? null);
      await addPast(history, path, view, signal);
      const draw = throttled(DRAW_EVERY_MS, signal, async () => show({ history: snapshot(history) }));
      show({ view, history: snapshot(history) });
      await follow(`${path}/events`, {
        signal,
        onEvent: (type, data) => {
          history.add(type, data);
          draw();
          if (type !== "decisions") ask();
        },
        // What the service answers is told; a broken line is tried again, and "not connected" says enough.
        onState: (connected, error) => show({ connected, error: error?.status ? error : null }),
      });
    };
    begin().catch((error) => show({ error }));
    return () => ending.current.abort();
  }, [id, turn]);
  const stop = useCallback(() => ending.current.abort(), []);
  const restart = useCallback(() => setTurn((old) => old + 1), []);
  return { ...shown, refresh: refresh.current, stop, restart };
}

async function addPast(history, path, view, signal) {
  const shared = view.parent?.round ?? 0;
  if (shared === 0) return;
  const [rounds, decisions] = await Promise.all([
    pages(`${path}/rounds`, "rounds", signal, shared),
    pages(`${path}/decisions`, "decisions", signal, shared * view.n_agents),
  ]);
  history.addPast(rounds, decisions);
}

// What components compare is new each time; the arrays inside are the growing ones.
const snapshot = (history) => ({
  rounds: history.rounds,
  decisions: history.decisions,
  log: history.log,
  marks: history.marks,
});

// Runs `task` at most once in `ms`, never twice at a time, and once more after a call that came in between.
function throttled(ms, signal, task, onError = () => {}) {
  let [busy, again] = [false, false];
  const run = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    await task().catch((error) => !signal.aborted && onError(error));
    await new Promise((resolve) => setTimeout(resolve, ms));
    busy = false;
    if (again && !signal.aborted) {
      again = false;
      run();
    }
  };
  return run;
}
