// Vertical marks in a chart: where a monitor tipped off, somebody intervened, a branch left, the population tipped.
export const MARKS = {
  tip: { letter: "M", color: "tip", text: "monitor fired" },
  intervention: { letter: "I", color: "change", text: "intervention in force from here" },
  fork: { letter: "F", color: "muted", text: "branched off after this round" },
  converged: { letter: "C", color: "change", text: "converged from here" },
  tipping: { letter: "T", color: "deviant", text: "tipping round" },
};

// A plugin of the chart that draws them; `marks` gives { round, kind } whenever it draws.
export function marksPlugin(marks, palette) {
  const draw = (chart) => {
    const { ctx, bbox } = chart;
    const size = devicePixelRatio;
    ctx.save();
    ctx.font = `bold ${11 * size}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    const taken = new Map(); // letters of one round stand above each other
    const drawn = new Set();
    for (const { round, kind } of marks()) {
      if (drawn.has(`${round} ${kind}`)) continue;
      drawn.add(`${round} ${kind}`);
      const x = Math.round(chart.valToPos(round, "x", true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      const row = taken.get(round) ?? 0;
      taken.set(round, row + 1);
      ctx.strokeStyle = ctx.fillStyle = palette[MARKS[kind].color];
      ctx.lineWidth = size;
      ctx.setLineDash([3 * size, 3 * size]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.fillText(MARKS[kind].letter, x, bbox.top - (4 + 12 * row) * size);
    }
    ctx.restore();
  };
  return { hooks: { draw } };
}
