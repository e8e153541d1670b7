// Server-sent events with a token, which the browser's EventSource cannot send. eventsource-client reads them, goes on
// after the last id it was told, and asks again; what is left to say here is when to stop, and when a line is dead.
import { createEventSource } from "../vendor/eventsource-client.js";
import { headers, problemOf } from "./api.js";

const SILENCE_MS = 45000; // the service says something every 15 s
// What is refused or gone stays so; asking again would not help.
const FINAL = [401, 403, 404];

// Calls onEvent(type, data) for every event until `signal` aborts or nothing more can happen; onState(connected, error)
// tells of the line.
export function follow(path, { signal, onEvent, onState }) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    let [source, silence, told, problem] = [null, null, 0, null];
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(reopen, SILENCE_MS);
    };
    const ask = async (url, options) => {
      [told, problem] = [0, null];
      heard();
      try {
        const response = await fetch(url, { ...options, headers: headers(options.headers) });
        if (!response.ok) throw await problemOf(response);
        return response;
      } catch (error) {
        problem = error;
        throw error;
      }
    };
    const open = (last) =>
      createEventSource({
        url: path,
        fetch: ask,
        initialLastEventId: last,
        onConnect: () => onState(true, null),
        onComment: heard,
        onMessage: ({ event, data }) => {
          heard();
          told += 1;
          onEvent(event ?? "message", JSON.parse(data));
        },
        // Comes before every wait, also that after a whole stream.
        onScheduleReconnect: () => {
          onState(false, problem);
          if (FINAL.includes(problem?.status)) end();
        },
        // The service ends a stream when the simulation is over; asked again, it has nothing to tell.
        onDisconnect: () => told === 0 && end(),
      });
    const reopen = () => {
      onState(false, null);
      source.close();
      source = open(source.lastEventId);
    };
    const end = () => {
      clearTimeout(silence);
      source.close();
      resolve();
    };
    signal.addEventListener("abort", end, { once: true });
    source = open();
  });
}
