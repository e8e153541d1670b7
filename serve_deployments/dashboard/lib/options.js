// Options that are told by their shares: their colours, dashes and letters, and how far a population agrees.
import { percent } from "./words.js";

const N_COLORS = 8;
const DASHES = [undefined, [8, 4], [2, 3], [12, 3, 2, 3]];
const BORDERS = ["solid", "dashed", "dotted", "double"];

export const OPTION_COLORS = Array.from({ length: N_COLORS }, (_, index) => `option-${index}`);

// Names of colours in the style sheet; from the ninth option on they come again, with another dash and letter.
export const optionColor = (index) => index % N_COLORS;
const style = (index) => (index + Math.floor(index / N_COLORS)) % DASHES.length;
export const optionLine = (index) => ({
  color: OPTION_COLORS[optionColor(index)],
  dash: DASHES[style(index)],
  border: BORDERS[style(index)],
});

// A letter for each option: its first where these differ, else A, B, C.
export function glyphs(options) {
  const first = options.map((option) => [...option][0].toUpperCase());
  const distinct = new Set(first).size === options.length;
  return Object.fromEntries(
    options.map((option, index) => [option, distinct ? first[index] : String.fromCharCode(65 + index)]),
  );
}

const bySize = (round) => Object.entries(round?.population_shares ?? {}).sort(([, one], [, other]) => other - one);

export function sayLeader(round) {
  const [leading] = bySize(round);
  return leading ? `${leading[0]} (${percent(leading[1])})` : "–";
}

export const sayShares = (round) =>
  bySize(round)
    .filter(([, share]) => share > 0)
    .map(([option, share]) => `${option} ${percent(share)}`)
    .join(", ") || "none yet";

export const sayConvergence = (metrics) =>
  metrics?.converged_on ? `converged on ${metrics.converged_on} from round ${metrics.converged_round} on` : "not converged";
