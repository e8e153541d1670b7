// An event of the log in words.
import { KINDS } from "./interventions.js";
import { percent, spaced } from "./words.js";

export function sayEvent({ kind, data }, words) {
  switch (kind) {
    case "created":
      return data.parent ? `branched off ${data.parent.simulation_id} after round ${data.parent.round}` : "created";
    case "control":
      return sayControl(data);
    case "intervention":
      return `${KINDS[data.kind]?.label ?? spaced(data.kind)}: ${KINDS[data.kind]?.say(data, words) ?? ""}`;
    case "tip":
      return `monitor ${spaced(data.kind)} fired at round ${data.round}${data.action === "pause" ? " and paused" : ""}`;
    case "action":
      return `monitor ${data.monitor}, ${data.what}: ${data.outcome}`;
    default:
      return spaced(kind);
  }
}

function sayControl({ command, until, reason }) {
  const limits = [];
  if (until?.round) limits.push(`until round ${until.round}`);
  if (until?.rate_above !== null && until?.rate_above !== undefined)
    limits.push(`until the rate is above ${percent(until.rate_above)}`);
  return [command, limits.join(" or "), reason]
    .filter(Boolean)
    .join(": ")
    .replace(`${command}: until`, `${command} until`);
}
