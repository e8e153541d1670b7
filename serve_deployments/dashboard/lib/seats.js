// Seats as people write them: "0-3, 7".
export function parseSeats(text) {
  const seats = new Set();
  for (const part of text.split(/[\s,]+/).filter(Boolean)) {
    const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (first === undefined) throw new Error(`seats: "${part}" is no seat; write 0-3, 7`);
    const end = Number(last ?? first);
    if (end < Number(first) || end - Number(first) > 100000) throw new Error(`seats: "${part}" is no range`);
    for (let seat = Number(first); seat <= end; seat += 1) seats.add(seat);
  }
  return [...seats].sort((a, b) => a - b);
}

export function formatSeats(seats) {
  const runs = [];
  for (const seat of seats) {
    const run = runs.at(-1);
    if (run && seat === run[1] + 1) run[1] = seat;
    else runs.push([seat, seat]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(", ");
}
