// A line chart over rounds: its canvas, a legend that tells values, and a sentence for who cannot see it.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/htm-preact.js";
import uPlot from "../vendor/uPlot.js";
import { MARKS, marksPlugin } from "../lib/marks.js";
import { usePalette } from "../lib/palette.js";

const HEIGHT = 230;
const LETTERS_ABOVE = 30;
const FONT = "12px system-ui, sans-serif";

// series: { label, color, show(value), dash?, border? (of its swatch), stepped?, width?, points? }; data: rounds, then a list for each series;
// first, last: the rounds the axis goes from and to; range: that of the values, where it is known beforehand.
export function Chart({ title, summary, series, data, first = 1, last, range, bands = [], marks = [], axis }) {
  const [box, plot, live] = [useRef(null), useRef(null), useRef({})];
  const [hovered, setHovered] = useState(null);
  const palette = usePalette();
  live.current = { first, last, range, marks };
  // A layout effect ends with its box; any other ends after the next frame, and until then the box's size is told.
  useLayoutEffect(() => {
    const made = new uPlot(
      options({ series, bands, axis, palette, live, setHovered }, box.current.clientWidth),
      data,
      box.current,
    );
    plot.current = made;
    const fitted = new ResizeObserver(() => made.setSize({ width: box.current.clientWidth, height: HEIGHT }));
    fitted.observe(box.current);
    return () => {
      fitted.disconnect();
      made.destroy();
    };
  }, [palette, series.length]);
  useEffect(() => plot.current?.setData(data), [data, last, marks.length]);
  const at = hovered ?? data[0].length - 1;
  const kinds = [...new Set(marks.map((mark) => mark.kind))];
  return html`
    <figure class="card chart">
      <figcaption>
        <h2>${title}</h2>
        <ul class="legend">
          <li class="muted">${at >= 0 ? `round ${data[0][at]}` : "no round yet"}</li>
          ${series.map(
            (line, index) =>
              line.show &&
              html`
            <li key=${line.label}>
              <span class="swatch" style=${swatch(line)}></span>
              ${line.label} <b>${at >= 0 ? line.show(data[index + 1][at]) : "–"}</b>
            </li>`,
          )}
        </ul>
      </figcaption>
      <div class="plot" ref=${box} role="img" aria-label=${`${title}. ${summary}`}></div>
      ${
        kinds.length > 0 &&
        html`
        <ul class="legend marks">
          ${kinds.map(
            (kind) => html`
            <li key=${kind}>
              <b style=${{ color: `var(--${MARKS[kind].color})` }}>${MARKS[kind].letter}</b> ${MARKS[kind].text}
            </li>`,
          )}
        </ul>`
      }
    </figure>`;
}

const swatch = ({ dash, color, border = dash ? "dashed" : "solid" }) => ({
  borderTop: `3px ${border} var(--${color})`,
});

function options({ series, bands, axis, palette, live, setHovered }, width) {
  const axisStyle = {
    stroke: palette.muted,
    font: FONT,
    grid: { stroke: palette.line, width: 1 },
    ticks: { stroke: palette.line, width: 1 },
  };
  return {
    width,
    height: HEIGHT,
    padding: [LETTERS_ABOVE, 14, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false },
    scales: {
      x: { time: false, range: () => [live.current.first - 0.5, live.current.last + 0.5] },
      y: { range: (_, low, high) => live.current.range ?? around(low, high) },
    },
    axes: [
      { ...axisStyle, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000], space: 36, size: 32 },
      { ...axisStyle, size: 62, values: (_, ticks) => ticks.map(axis) },
    ],
    series: [
      {},
      ...series.map((line) => ({
        label: line.label,
        stroke: palette[line.color],
        width: line.width ?? 2,
        dash: line.dash,
        paths: line.stepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
        points: { show: line.points ?? false, size: 5, fill: palette[line.color] },
      })),
    ],
    bands: bands.map((pair) => ({ series: pair, fill: palette.band })),
    plugins: [marksPlugin(() => live.current.marks, palette)],
    hooks: { setCursor: [(chart) => setHovered(chart.cursor.idx ?? null)] },
  };
}

// Room above and below; a flat line stands in the middle.
function around(low, high) {
  if (low === null || high === null) return [0, 1];
  const room = (high - low) * 0.1 || Math.abs(high) * 0.1 || 1;
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}
