// Every choice, seat by round. Only the cells in sight are drawn; arrow keys move, Enter opens a seat's panel.
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { seenRange, useWindow } from "../lib/use_window.js";
import { glyphs, optionColor } from "../lib/options.js";
import { GLYPHS, number, sayDecision } from "../lib/words.js";

const CELL = 24; // pixels; also the least size of a target
const HEAD = 40; // of the seats' names
const STEPS = {
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
  ArrowDown: [1, 0],
  ArrowUp: [-1, 0],
  PageDown: [10, 0],
  PageUp: [-10, 0],
};

const within = (value, least, most) => Math.max(least, Math.min(most, value));

export function ChoiceGrid({ view, history, say, open }) {
  const box = useRef(null);
  const seen = useWindow(box);
  const [cursor, setCursor] = useState({ seat: 0, round: 1 });
  const place = useRef(cursor); // several keys may be pressed before the next drawing
  const [seats, settled] = [view.n_agents, history.rounds.length];
  const following = useRef({ newest: true, left: 0 });
  useEffect(() => {
    // The newest round stays in sight until somebody scrolls back.
    if (following.current.newest) box.current.scrollLeft = box.current.scrollWidth;
  }, [settled]);
  const noteScroll = () => {
    const { scrollLeft, clientWidth, scrollWidth } = box.current;
    const last = following.current;
    // More rounds may have come before the browser tells of a scroll: only a move to the left is somebody going back.
    if (scrollLeft + clientWidth >= scrollWidth - CELL) last.newest = true;
    else if (scrollLeft < last.left) last.newest = false;
    last.left = scrollLeft;
  };
  const put = (next) => {
    place.current = next;
    setCursor(next);
  };
  const moveTo = (seat, round) => {
    put({ seat: within(seat, 0, seats - 1), round: within(round, 1, Math.max(1, settled)) });
    reveal(box.current, place.current);
  };
  const pressed = (event) => {
    const step = STEPS[event.key];
    const { seat, round } = place.current;
    if (step) moveTo(seat + step[0], round + step[1]);
    else if (event.key === "Home") moveTo(event.ctrlKey ? 0 : seat, 1);
    else if (event.key === "End") moveTo(event.ctrlKey ? seats - 1 : seat, settled);
    else if ((event.key === "Enter" || event.key === " ") && settled > 0) open(place.current);
    else return;
    event.preventDefault();
  };
  const clicked = (event) => {
    const cell = event.target.closest("[data-round]");
    if (!cell) return;
    const at = { seat: Number(cell.dataset.seat), round: Number(cell.dataset.round) };
    put(at);
    open(at);
  };
  const look = { options: view.options, letters: glyphs(view.options) };
  const some = history.rounds.some((round) => round.n_asked < seats);
  const rows = seenRange(seen.top, seen.height, CELL, seats);
  const columns = seenRange(seen.left, seen.width, CELL, settled);
  return html`
    <section class="card" aria-labelledby="grid-title">
      <h2 id="grid-title">Choices, seat by round</h2>
      <ul class="legend">
        ${kinds(view, some, say).map(
          ([name, attributes, glyph]) => html`
          <li key=${name}>
            <span class="cell sample" ...${attributes} aria-hidden="true">${glyph}</span> ${name}
          </li>`,
        )}
      </ul>
      <p class="muted" id="grid-help">Arrow keys move, Enter opens a seat's reply and memory.</p>
      <div class="grid" ref=${box} role="grid" tabindex="0" aria-labelledby="grid-title" aria-describedby="grid-help"
        aria-rowcount=${seats + 1} aria-colcount=${settled + 1}
        aria-activedescendant=${settled > 0 ? cellId(cursor) : undefined}
        onKeyDown=${pressed} onClick=${clicked} onScroll=${noteScroll}>
        <div class="grid-area" role="presentation" style=${{ width: at(settled), height: `${(seats + 1) * CELL}px` }}>
          <div class="grid-row grid-head" role="row" aria-rowindex="1">
            <span class="row-name corner" role="columnheader">seat</span>
            ${span(columns).map(
              (column) => html`
              <span class="round-name" role="columnheader" key=${column} style=${{ left: at(column) }}>
                ${(column + 1) % 5 === 0 || column === 0 ? column + 1 : ""}
              </span>`,
            )}
          </div>
          ${span(rows).map(
            (seat) => html`
            <${Row} key=${seat} decisions=${history.decisions} ...${{ seat, columns, cursor, say, look }} />`,
          )}
        </div>
      </div>
      ${settled === 0 && html`<p class="muted">No round is settled yet. Run the simulation to see its choices.</p>`}
    </section>`;
}

const Row = ({ seat, columns, decisions, cursor, say, look }) => html`
  <div class="grid-row" role="row" aria-rowindex=${seat + 2} style=${{ top: `${(seat + 1) * CELL}px` }}>
    <span class="row-name" role="rowheader">${seat}</span>
    ${span(columns).map((column) => {
      const decision = decisions[column]?.[seat];
      const chosen = cursor.seat === seat && cursor.round === column + 1;
      return (
        decision &&
        html`
        <span class=${chosen ? "cell chosen" : "cell"} role="gridcell" key=${column} id=${cellId(decision)}
          data-seat=${seat} data-round=${column + 1} ...${attributesOf(decision, look)}
          aria-colindex=${column + 2} aria-selected=${chosen}
          aria-label=${title(decision, say, look)} title=${title(decision, say, look)} style=${{ left: at(column) }}>
          ${look.letters[decision.choice] ?? GLYPHS[decision.action]}
        </span>`
      );
    })}
  </div>`;

const at = (column) => `${HEAD + column * CELL}px`;
const cellId = ({ seat, round }) => `cell-${seat}-${round}`;
const span = ([first, end]) => Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index);

function title(decision, say, { options }) {
  const { seat, round, capital_after: capital, checkpoint } = decision;
  return `Seat ${seat}, round ${round}: ${sayDecision(decision, say, options)}, capital ${number(capital)}, ${checkpoint}`;
}

// What the style sheet goes by: an option's colour or an action, and whether the seat decided now or earlier.
function attributesOf({ action, choice, asked }, { options }) {
  const color = choice && options.length > 0 ? { "data-option": optionColor(options.indexOf(choice)) } : {};
  return { "data-action": action, "data-asked": asked === false ? "false" : undefined, ...color };
}

// The legend: name, attributes and glyph of each kind of cell; `some` where not all seats decide in every round.
function kinds({ options }, some, say) {
  const letters = glyphs(options);
  const taken = options.length > 0 ? [] : ["deviant", "aligned"];
  return [
    ...options.map((option, index) => [option, { "data-option": optionColor(index) }, letters[option]]),
    ...[...taken, "unparsed", "missing"].map((action) => [say[action], { "data-action": action }, GLYPHS[action]]),
    ...(some ? [["decided earlier, not asked in this round", { "data-asked": "false" }, ""]] : []),
  ];
}

// Scrolls so that a cell stands clear of the names at the edges.
function reveal(box, { seat, round }) {
  const [left, top] = [HEAD + (round - 1) * CELL, (seat + 1) * CELL];
  if (left - HEAD < box.scrollLeft) box.scrollLeft = left - HEAD;
  else if (left + CELL > box.scrollLeft + box.clientWidth) box.scrollLeft = left + CELL - box.clientWidth;
  if (top - CELL < box.scrollTop) box.scrollTop = top - CELL;
  else if (top + CELL > box.scrollTop + box.clientHeight) box.scrollTop = top + CELL - box.clientHeight;
}
