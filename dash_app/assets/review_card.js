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
  // Who answers by itself bears the name of its program.
  const person = (name) => (name === "catalyst_pipeline" || name === "loop" ? "the loop"
    : name === review.state.about.validator ? `the ${review.words(name)}` : name);

  const measured = (row, name) => (row.validated || []).find((each) => each.property === name
    && each.method === review.state.about.method && each.value !== null);
  const within = ([low, high], value) => (low === null || value >= low) && (high === null || value <= high);

  const value = (row, { name, label, unit, windows }) => {
    const found = measured(row, name);
    const expected = row.predicted && row.predicted[name];
    const isMet = found && windows.some((window) => within(window, found.value));
    const mark = found && windows.length ? (isMet ? "✓ " : "✗ ") : "";
    const predicted = expected && !row.unlearned ? review.plusMinus(expected.mean, expected.std) : found ? "" : "\u2013";
    return [
      h("span", { class: "soft card-label", title: label }, label),
      h("span", { class: `card-predicted${found || !expected ? " soft" : ""}`, title: `Predicted, ${unit}` }, predicted),
      h("span", { class: found ? `measured${windows.length && !isMet ? " missed" : ""}` : "", title: found ? `Measured, ${unit}` : null },
        found ? mark + (found.standard_deviation ? review.plusMinus(found.value, found.standard_deviation) : review.decimals(found.value)) : ""),
    ];
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
    // One that is poor is no hit.
    if (isAnswered && row.hit === false && row.rejection_kind !== "poor") found.push(h("span", { class: "badge" }, "No hit"));
    if (row.rejection_kind) found.push(h("span", { class: "badge badge-rejected" }, review.title(row.rejection_kind)));
    return found;
  };

  // Moves are its buttons: the verb, what is written and the key.
  const draw = (row, moves) => {
    const said = moves.map(({ label }) => label.replace("…", "")).join(", ");
    const rank = review.state.iteration() === null ? `it. ${row.iteration} · #${row.rank}` : `#${row.rank}`;
    return h("article", { class: "board-card", role: "listitem", draggable: "true", "data-card": row.candidate_id,
      "aria-label": `${row.formula}, ${review.words(row.status)}, rank ${row.rank}${said ? `; ${said}` : ""}` },
    h("header", {}, h("strong", { class: "card-formula" }, ...review.formula(row.formula)), ...chips(row),
      h("span", { class: "soft card-rank" }, rank)),
    h("div", { class: "card-values" }, ...properties().flatMap((each) => value(row, each))),
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
