// Something the user asked the service for: whether it is under way, and its outcome in one line.
import { useState } from "../vendor/htm-preact.js";

export function useAction() {
  const [state, setState] = useState({ busy: false, error: null, done: null });
  const run = async (task) => {
    if (state.busy) return undefined;
    setState({ busy: true, error: null, done: null });
    try {
      const done = await task();
      setState({ busy: false, error: null, done: typeof done === "string" ? done : null });
      return done;
    } catch (error) {
      setState({ busy: false, error: error.message, done: null });
      return undefined;
    }
  };
  return { ...state, run };
}
