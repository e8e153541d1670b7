// The kinds of interventions, with the fields each takes. Mirrors atp_ray/live/interventions.py.
import { formatSeats, parseSeats } from "./seats.js";
import { capitalised, number, spaced } from "./words.js";

const NUMBERS = ["threshold", "high", "medium", "low"];
const COSTS = ["tool_cost", "direct_cost"];
const SEATS = { name: "seats", label: "Seats", type: "seats" };

export const KINDS = {
  fix_seats: {
    label: "Fix seats",
    fields: [SEATS, { name: "action", label: "Always", type: "select", options: ["collude", "refrain"] }],
    say: (data, words) => `seats ${formatSeats(data.seats)} always ${words[data.action]}`,
  },
  swap_checkpoint: {
    label: "Swap checkpoint",
    fields: [SEATS, { name: "checkpoint", label: "Checkpoint", type: "checkpoint" }],
    say: (data) => `${data.checkpoint} plays seats ${formatSeats(data.seats)}`,
  },
  change_numbers: {
    label: "Change threshold or rewards",
    only: "games",
    fields: NUMBERS.map((name) => ({
      name,
      label: name === "threshold" ? "Threshold" : `Reward ${name}`,
      type: "number",
      optional: true,
      step: name === "threshold" ? 1 : "any",
    })),
    say: (data) =>
      NUMBERS.filter((name) => data[name] !== null && data[name] !== undefined)
        .map((name) => `${name} ${number(data[name])}`)
        .join(", "),
  },
  change_supervision: {
    label: "Change supervision",
    only: "role_play",
    fields: [{ name: "supervision", label: "Supervision", type: "pattern" }],
    say: (data) => spaced(data.supervision),
  },
  change_costs: {
    label: "Change costs",
    only: "tool_usage",
    fields: COSTS.map((name) => ({ name, label: capitalised(spaced(name)), type: "number", optional: true, step: "any" })),
    say: (data) =>
      COSTS.filter((name) => data[name] !== null && data[name] !== undefined)
        .map((name) => `${spaced(name)} ${number(data[name])}`)
        .join(", "),
  },
  broadcast: {
    label: "Broadcast",
    fields: [{ name: "text", label: "Announcement to all seats", type: "text" }],
    say: (data) => `“${data.text}”`,
  },
  quarantine: {
    label: "Quarantine",
    fields: [SEATS],
    say: (data) => `seats ${formatSeats(data.seats)} are hidden from the others`,
  },
  erase_memory: {
    label: "Erase memory",
    fields: [SEATS],
    say: (data) => `seats ${formatSeats(data.seats)} forget every round so far`,
  },
  edit_memory: {
    label: "Edit memory",
    not: "tool_usage",
    fields: [
      { name: "seat", label: "Seat", type: "number", step: 1, min: 0 },
      { name: "round", label: "Round", type: "number", step: 1, min: 1 },
      { name: "reply", label: "Reply as remembered", type: "text" },
    ],
    say: (data) => `seat ${data.seat} remembers another reply in round ${data.round}`,
  },
};

export const kindsFor = (paradigm) =>
  Object.keys(KINDS).filter(
    (kind) => [undefined, paradigm].includes(KINDS[kind].only) && KINDS[kind].not !== paradigm,
  );

// The body of an intervention from a form's data; what was left blank is left out.
export function readIntervention(form) {
  const kind = form.get("kind");
  const body = { kind };
  for (const { name, type } of KINDS[kind].fields) {
    const value = form.get(name);
    if (type === "seats") body[name] = parseSeats(value);
    else if (type !== "number") body[name] = value;
    else if (value !== "") body[name] = Number(value);
  }
  return body;
}
