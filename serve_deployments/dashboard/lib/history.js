// Everything a simulation's events tell, folded as they come: rounds, decisions, markers, the log.
export class History {
  rounds = []; // RoundView by round - 1
  decisions = []; // by round - 1: DecisionView by seat
  log = []; // own events other than rounds
  marks = []; // { round, kind: "tip" | "intervention" | "fork", event }

  constructor(forkedAt) {
    this.forkedAt = forkedAt;
    if (forkedAt !== null) this.marks.push({ round: forkedAt, kind: "fork", event: null });
  }

  // The rounds a branch shares with its parent; they are not among its events.
  addPast(rounds, decisions) {
    rounds.forEach((round) => this.#addRound(round));
    for (const decision of decisions) {
      (this.decisions[decision.round - 1] ??= [])[decision.seat] = decision;
    }
  }

  add(type, data) {
    if (type === "decisions") this.decisions[data.round - 1] = data.decisions;
    else if (type === "round") this.#addRound(data.data);
    else this.#addToLog(data);
  }

  #addRound(round) {
    this.rounds[round.round - 1] = round;
  }

  #addToLog(event) {
    const settled = Math.max(this.rounds.length, this.forkedAt ?? 0);
    this.log.push({ ...event, settled });
    if (event.kind === "tip") this.marks.push({ round: event.data.round, kind: "tip", event });
    // An intervention is in force from the next round on.
    if (event.kind === "intervention") this.marks.push({ round: settled + 1, kind: "intervention", event });
  }
}
