// One seat: how it stands, what it replied in a round, and the exact messages it would be sent next.
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { get } from "../lib/api.js";
import { number, sayDecision } from "../lib/words.js";
import { Button, Facts } from "./fields.js";

export function AgentPanel({ view, history, say, at, move, close }) {
  const dialog = useRef(null);
  const told = useSeat(view, at);
  useEffect(() => {
    dialog.current.showModal(); // the browser keeps the focus inside, closes on Escape, and gives the focus back
  }, []);
  const shared = { say, options: view.options };
  const turn = (step) => move({ ...at, round: at.round + step });
  return html`
    <dialog class="panel" ref=${dialog} aria-labelledby="panel-title" onClose=${close}>
      <div class="panel-head">
        <h2 id="panel-title">Seat ${at.seat}</h2>
        <${Button} onClick=${() => dialog.current.close()}>Close</${Button}>
      </div>
      ${told.error && html`<p class="error" role="alert">${told.error}</p>`}
      <${Standing} agent=${told.agent} ...${shared} />
      <section aria-labelledby="reply-title">
        <div class="panel-head">
          <h3 id="reply-title" aria-live="polite">Reply in round ${at.round}</h3>
          <span class="actions">
            <${Button} class="small" off=${at.round <= 1} onClick=${() => turn(-1)}>Earlier</${Button}>
            <${Button} class="small" off=${at.round >= history.rounds.length} onClick=${() => turn(1)}>Later</${Button}>
          </span>
        </div>
        <${Reply} decision=${told.decision} talks=${view.talk > 0} ...${shared} />
      </section>
      <section aria-labelledby="memory-title">
        <h3 id="memory-title">Memory${told.memory && `: the messages for round ${told.memory.round}`}</h3>
        <ol class="memory">
          ${told.memory?.messages.map(
            (message, index) => html`
            <li key=${index} data-role=${message.role}>
              <span class="role">${message.role}</span>
              <pre>${message.content}</pre>
            </li>`,
          )}
        </ol>
      </section>
    </dialog>`;
}

// What the service tells of a seat, told again after every round.
function useSeat(view, { seat, round }) {
  const [told, setTold] = useState({ decision: null, memory: null, agent: null, error: null });
  useEffect(() => {
    const ending = new AbortController();
    const path = `v1/simulations/${view.id}`;
    Promise.all([
      get(`${path}/decisions?text=true&round=${round}&seat=${seat}`, ending.signal),
      get(`${path}/agents/${seat}/memory`, ending.signal),
      get(`${path}/agents?after=${seat}&limit=1`, ending.signal),
    ])
      .then(([{ decisions }, memory, { agents }]) =>
        setTold({ decision: decisions[0], memory, agent: agents[0], error: null }),
      )
      .catch((error) => !ending.signal.aborted && setTold((old) => ({ ...old, error: error.message })));
    return () => ending.abort();
  }, [view.id, view.rounds_settled, seat, round]);
  return told;
}

function Standing({ agent, say, options }) {
  if (!agent) return html`<p class="muted">Loading…</p>`;
  const facts = [
    ["Checkpoint", agent.checkpoint],
    ["Capital", number(agent.capital)],
    ["Latest", agent.action ? latest(agent, say, options) : "nothing yet"],
    ["Quarantined", agent.quarantined ? "yes" : "no"],
    ["Has forgotten", agent.forgot_until === null ? "nothing" : `rounds up to ${agent.forgot_until}`],
  ];
  return html`<${Facts} facts=${facts} />`;
}

const latest = (agent, say, options) => (options.length > 0 ? sayDecision(agent, say, options) : say[agent.action]);

function Reply({ decision, say, options, talks }) {
  if (!decision) return html`<p class="muted">Loading…</p>`;
  return html`
    <p>
      ${sayDecision(decision, say, options)} · reward ${number(decision.reward)} · capital after ${number(decision.capital_after)} ·${" "}
      ${decision.checkpoint}
    </p>
    ${talks && html`<p>Said before deciding: ${decision.said ? html`<q>${decision.said}</q>` : "nothing"}</p>`}
    <pre class="reply">${decision.reply ?? "no reply"}</pre>`;
}
