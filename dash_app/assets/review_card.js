// What a card of the board says of a candidate: what is predicted and measured, what happened, what may be done.
(() => {
  const { review } = window;
  const { h } = review;
  const SHOWN_PROPERTIES = 2;
  // Of the goal, those that cards show.
  const properties = () => review.state.about.properties.slice(0, SHOWN_PROPERTIES);

  const ago = (at) => {
    const minutes = Math.max(0, (Date.now() - new Date(at)) / 60000);
    if (minutes < 1) return "a moment";
    if (minutes < 60) return `${Math.floor(minutes)} min`;
    if (minutes < 60 * 48) return `${Math.floor(minutes / 60)} h`;
    return `${Math.floor(minutes / 1440)} days`;
  };
  const since = (at) => h("time", { datetime: at, title: new Date(at).toISOString().replace("T", " ").slice(0, 16) + " UTC",
    "data-since": at }, ago(at));
  const person = (name) => (name === "catalyst_pipeline" || name === "loop" ? "the loop" : name);

  const measured = (row, name) => (row.validated || []).find((each) => each.property === name
    && each.method === review.state.about.method && each.value !== null);
  const within = ([low, high], value) => (low === null || value >= low) && (high === null || value <= high);

  const value = (row, { name, label, unit, windows }) => {
    const found = measured(row, name);
    const expected = row.predicted && row.predicted[name];
    const parts = [];
    if (found) {
      const isMet = windows.some((window) => within(window, found.value));
      const text = found.standard_deviation ? review.plusMinus(found.value, found.standard_deviation) : review.decimals(found.value);
      parts.push(h("span", { class: `measured${windows.length && !isMet ? " missed" : ""}`, title: `Measured, ${unit}` },
        text, windows.length ? (isMet ? " ✓" : " ✗") : ""));
    }
    if (expected && !row.unlearned)
      parts.push(h("span", { class: found ? "soft" : "", title: `Predicted, ${unit}` }, review.plusMinus(expected.mean, expected.std)));
    if (!parts.length) parts.push(h("span", { class: "soft" }, "\u2013"));
    return h("div", { class: parts.length > 1 ? "card-value both" : "card-value" }, h("span", { class: "soft" }, label), h("span", { class: "card-numbers" }, ...parts));
  };

  const story = (row) => {
    const { moved, flagged } = row;
    if (row.status === "ranked" || !moved) return null;
    const reason = moved.reason ? h("q", { title: moved.reason }, moved.reason) : null;
    const told = { flagged: ["waits ", since(moved.at), `, by ${person(moved.actor)}`],
      in_validation: ["for ", since(moved.at), `, by ${person(moved.actor)}`] }[row.status] || [`${person(moved.actor)}, `, since(moved.at), " ago"];
    if (row.status === "in_validation" && flagged && flagged.actor !== moved.actor) told.push(`; flagged by ${person(flagged.actor)}`);
    return h("p", { class: "card-story" }, ...told, reason);
  };

  const chips = (row) => {
    const found = [];
    const isAnswered = ["validated", "rejected"].includes(row.status);
    if (isAnswered && row.hit === true) found.push(h("span", { class: "badge badge-validated" }, "Hit"));
    if (isAnswered && row.hit === false) found.push(h("span", { class: "badge" }, "No hit"));
    if (row.rejection_kind) found.push(h("span", { class: "badge badge-rejected" }, review.title(row.rejection_kind)));
    return found;
  };

  // Moves are its buttons: the verb, what is written and the key.
  const draw = (row, moves) => {
    const said = moves.map(({ label }) => label.replace("…", "")).join(", ");
    const rank = review.state.iteration() === null ? `iteration ${row.iteration}, #${row.rank}` : `#${row.rank}`;
    return h("article", { class: "board-card", role: "listitem", draggable: "true", "data-card": row.candidate_id,
      "aria-label": `${row.formula}, ${review.words(row.status)}, rank ${row.rank}${said ? `; ${said}` : ""}` },
    h("header", {}, h("strong", { class: "card-formula" }, ...review.formula(row.formula)), ...chips(row),
      h("span", { class: "soft card-rank" }, rank)),
    ...properties().map((each) => value(row, each)),
    story(row),
    moves.length ? h("div", { class: "card-moves decide" }, ...moves.map(({ verb, label, key }) => h("button", { type: "button",
      class: `link${verb === "reject" ? " dangerous" : ""}`, "data-move": verb, title: key }, label))) : null);
  };

  // How long something waits grows while one looks.
  setInterval(() => {
    for (const time of document.querySelectorAll("time[data-since]")) time.textContent = ago(time.dataset.since);
  }, 30000);

  review.card = { draw, properties };
})();
