// The field's words: a game's deviant choice is collusion, a role-play's is a violation.
const GAME = {
  rate: "collusion rate",
  deviant: "colludes",
  aligned: "refrains",
  collude: "collude",
  refrain: "refrain",
};
const ROLE_PLAY = {
  rate: "violation rate",
  deviant: "violates",
  aligned: "complies",
  collude: "violate",
  refrain: "comply",
};
const TOOL_USAGE = {
  rate: "rate of doing without the tool",
  deviant: "reasons directly",
  aligned: "uses the tool",
  collude: "reason directly",
  refrain: "use the tool",
};
const ANY = {
  rate: "deviant rate",
  deviant: "deviates",
  aligned: "complies",
  collude: "deviate",
  refrain: "comply",
};
const BY_PARADIGM = { games: GAME, role_play: ROLE_PLAY, tool_usage: TOOL_USAGE };
const OTHER = { unparsed: "reply not readable", missing: "no reply", idle: "not asked yet" };

export const GLYPHS = { deviant: "▲", aligned: "·", unparsed: "?", missing: "×", idle: "" };

// Of options that are told by their shares the first is what the rate is of; the second is what refusers take.
const OPTIONS = ([first, second]) => ({
  rate: `share of ${first}`,
  deviant: `takes ${first}`,
  aligned: "takes another",
  collude: `take ${first}`,
  refrain: `take ${second}`,
});

export const words = ({ paradigm, options }) => ({
  ...(options.length > 0 ? OPTIONS(options) : (BY_PARADIGM[paradigm] ?? ANY)),
  ...OTHER,
});

// What a seat decided, or, where it was not asked, what it decided last.
export function sayDecision({ action, choice, asked = true }, say, options) {
  const said = !choice ? say[action] : options.length > 0 ? choice : `${say[action]} (${choice})`;
  return asked || action === "idle" ? said : `${said}, not asked in this round`;
}

export const capitalised = (text) => text.charAt(0).toUpperCase() + text.slice(1);
export const spaced = (name) => name.replaceAll("_", " ");
export const percent = (rate) => (rate === null || rate === undefined ? "–" : `${Math.round(rate * 100)} %`);

export function number(value) {
  if (value === null || value === undefined) return "–";
  return value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3)
    ? value.toExponential(2)
    : value.toLocaleString("en", { maximumSignificantDigits: 4 });
}

export function signed(value) {
  return value === null ? "–" : `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.round(Math.abs(value) * 100)} pp`;
}

export const clock = (time) => new Date(time).toLocaleTimeString("en-GB");
