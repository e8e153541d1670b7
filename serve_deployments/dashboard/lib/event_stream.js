// Server-sent events over fetch, because EventSource cannot send a token. Goes on after the last id it was told.
import { headers, problemOf } from "./api.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15000;
const SILENCE_MS = 45000; // the service says something every 15 s

// Splits a stream of text into events; what is not whole yet is kept for the next piece.
export class EventParser {
  #rest = "";

  push(text) {
    const blocks = (this.#rest + text).replaceAll("\r\n", "\n").split("\n\n");
    this.#rest = blocks.pop();
    return blocks.map(readEvent).filter((event) => event.data !== "");
  }
}

function readEvent(block) {
  const event = { id: null, type: "message", data: "" };
  const data = [];
  for (const line of block.split("\n")) {
    const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (name === "data") data.push(value);
    else if (name === "event") event.type = value;
    else if (name === "id") event.id = value;
  }
  event.data = data.join("\n");
  return event;
}

// Calls onEvent(type, data) for every event until `signal` aborts or nothing more can happen; onState(connected, error)
// tells of the line.
export async function follow(path, { signal, onEvent, onState }) {
  let last = null;
  let wait = FIRST_WAIT_MS;
  while (!signal.aborted) {
    let told = 0;
    try {
      await readOnce(
        path,
        last,
        signal,
        (event) => {
          told += 1;
          onEvent(event.type, JSON.parse(event.data));
          last = event.id ?? last;
          wait = FIRST_WAIT_MS;
        },
        () => onState(true, null),
      );
      // The service ends a stream when the simulation is over; asked again, it has nothing to tell.
      if (told === 0) return;
      onState(false, null);
    } catch (error) {
      if (signal.aborted) return;
      onState(false, error);
      // What is refused or gone stays so; asking again would not help.
      if ([401, 403, 404].includes(error.status)) return;
    }
    await pause(wait, signal);
    wait = Math.min(LONGEST_WAIT_MS, wait * 2);
  }
}

async function readOnce(path, last, signal, onEvent, onOpen) {
  const line = new AbortController();
  const stop = () => line.abort();
  signal.addEventListener("abort", stop);
  let timer = setTimeout(stop, SILENCE_MS);
  try {
    const sent = headers(last === null ? {} : { "Last-Event-ID": last });
    const response = await fetch(path, { headers: sent, signal: line.signal });
    if (!response.ok) throw await problemOf(response);
    onOpen();
    const parser = new EventParser();
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(stop, SILENCE_MS);
      parser.push(decoder.decode(value, { stream: true })).forEach(onEvent);
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
