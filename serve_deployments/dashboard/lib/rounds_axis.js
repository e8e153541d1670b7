// How many rounds a chart shows: all where they are few, else some more than are settled.
const FEW = 40;

export const roundsShown = (view, settled) => Math.min(view.rounds, Math.max(FEW, Math.ceil(settled * 1.15)));
