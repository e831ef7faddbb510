// The board: candidates by where they stand in the lifecycle, page by page; moves by keys, buttons and dragging.
(() => {
  const { review } = window;
  const { state, table, byId, h } = review;
  const STATUSES = ["ranked", "flagged", "in_validation", "validated", "rejected"];
  // What waits longest comes first, what was answered last likewise.
  const ORDERS = { flagged: "updated_at", in_validation: "updated_at", validated: "-updated_at", rejected: "-updated_at" };
  const PAGE = 60;
  const MOST_AT_ONCE = 1000;
  const board = (review.board = {});

  let patched = 0; // how often rows were put where they stand
  let columns = new Map(); // status: {items, cards, next, total, isExact, reading}
  let chosen = new Set();
  let current = null; // number of the candidate one is at
  let generation = 0;

  const isHere = () => Boolean(byId("board"));
  const number = (candidate) => Number(candidate.candidate_id);
  const find = (id) => {
    for (const [status, column] of columns) {
      const row = column.items.find((each) => number(each) === id);
      if (row) return { status, column, row };
    }
    return null;
  };

  // ---- Which moves there are ----------------------------------------------------------------------
  const isClosed = (row) => state.about.iterations.some((each) => each.number === row.iteration && each.is_closed);
  const may = {
    flag: (row) => row.status === "ranked" && !isClosed(row),
    start: (row) => row.status === "flagged" && state.about.by_laboratory,
    result: (row) => row.status === "in_validation" || (row.status === "flagged" && state.about.by_laboratory),
    return: (row) => row.status === "in_validation" && state.about.by_laboratory,
    restore: (row) => row.status === "rejected" && ["withdrawn", "failed"].includes(row.rejection_kind),
    reject: (row) => ["ranked", "flagged", "in_validation"].includes(row.status),
  };
  const SAID = { flag: "Flag", start: "Start", result: "Result…", return: "Give back", restore: "Restore", reject: "Reject" };
  const KEYS = { f: "flag", s: "start", e: "result", b: "return", u: "restore", r: "reject" };
  // What dropping a card on a column means.
  const meant = (row, status) => {
    const verb = { flagged: row.status === "in_validation" ? "return" : "flag", in_validation: "start", ranked: "restore",
      rejected: "reject", validated: "result" }[status];
    return row.status !== status && may[verb](row) ? verb : null;
  };

  const act = (verb, row) => {
    const rows = verb !== "result" && chosen.has(number(row)) ? table.rows() : [row];
    const able = rows.filter(may[verb]);
    if (!able.length) {
      const why = verb === "flag" && row.status === "ranked" ? "its iteration is closed: a later one suggests its material"
        : `it is ${review.words(row.status)}`;
      review.notify([...review.formula(row.formula), `: ${SAID[verb].replace("…", "").toLowerCase()} is not possible, ${why}.`]);
    } else if (verb === "result") review.askResult({ candidate: number(row) });
    else review.decide.open(verb, able);
  };

  // ---- Cards ----------------------------------------------------------------------------------------
  const draw = (row) => {
    const moves = Object.keys(SAID).filter((verb) => may[verb](row))
      .map((verb) => ({ verb, label: SAID[verb], key: Object.keys(KEYS).find((key) => KEYS[key] === verb) }));
    const card = review.card.draw(row, moves);
    card.dataset.chosen = String(chosen.has(number(row)));
    return reach(card, number(row) === current);
  };
  // Of all cards Tab reaches the one that one is at, and its buttons; arrows go to the others.
  const reach = (card, isAt) => {
    card.classList.toggle("is-current", isAt);
    for (const part of [card, ...card.querySelectorAll("[data-move]")]) part.tabIndex = isAt ? 0 : -1;
    return card;
  };

  const seen = (row) => JSON.stringify([row.version, row.status, row.hit, row.moved, row.validated, row.rejection_kind]);

  const show = (status) => {
    const column = columns.get(status);
    const place = byId(`cards-${status}`);
    if (!place) return;
    const focused = place.contains(document.activeElement) ? document.activeElement.dataset.card : null;
    const cards = new Map();
    for (const row of column.items) {
      const held = column.cards.get(number(row));
      const text = seen(row);
      const card = held && held.text === text ? held.card : draw(row);
      if (held && held.text !== text && held.status !== undefined) card.classList.add("is-new");
      cards.set(number(row), { card, text, status });
    }
    column.cards = cards;
    const wanted = [...cards.values()].map(({ card }) => card);
    if (column.next) wanted.push(column.sentinel);
    wanted.forEach((card, i) => { if (place.children[i] !== card) place.insertBefore(card, place.children[i] || null); });
    while (place.children.length > wanted.length) place.lastChild.remove();
    if (focused && cards.has(Number(focused))) cards.get(Number(focused)).card.focus();
    byId(`count-${status}`).textContent = (column.isExact ? "" : ">") + column.total.toLocaleString("en");
    byId(`empty-${status}`).hidden = column.items.length > 0 || !column.isRead;
    place.setAttribute("aria-busy", String(!column.isRead));
  };

  const told = () => {
    const all = [...columns.values()];
    const total = all.reduce((sum, each) => sum + each.total, 0);
    const isExact = all.every((each) => each.isExact);
    byId("candidate-count").textContent = (isExact ? "" : "more than ") + review.count(total, "candidate");
    byId("card-legend").textContent = review.card.properties()
      .map(({ label, unit }) => `${label}${unit ? ` in ${unit}` : ""}`).join(", ");
  };

  // ---- Reading ---------------------------------------------------------------------------------------
  const ask = async (status, limit, cursor) => {
    const query = state.query();
    query.delete("status");
    query.append("status", status);
    if (ORDERS[status]) query.set("sort", ORDERS[status]);
    query.set("limit", limit);
    if (cursor) query.set("cursor", cursor);
    const page = await review.ask(`/candidates?${query}`);
    for (const row of page.items) row.unlearned = state.about.unlearned.includes(row.iteration);
    return page;
  };

  const failed = (error) => {
    const again = h("button", { type: "button", class: "primary", onclick: () => table.reload() }, "Try again");
    const clear = h("button", { type: "button", class: "primary", onclick: state.clear }, "Clear filters");
    if (error.unreachable) table.say("The server does not answer", "What is shown here stays. It is asked again by itself.", [again]);
    else if (error.status === 422) table.say("These filters cannot be read", `${error.message} ${error.remedy}`, [clear]);
    else table.say("The board could not be loaded", `${error.message} ${error.remedy || ""}`, [again]);
  };

  // Reads as many as each column holds already, from its top: at least a page, and not more than one request gives. What
  // moved while it was read may be in it or not, and is read again.
  const readAll = async () => {
    generation += 1;
    const mine = generation, before = patched;
    let pages;
    try {
      pages = await Promise.all(STATUSES.map((status) =>
        ask(status, Math.min(MOST_AT_ONCE, Math.max(PAGE, columns.get(status).items.length)))));
    } catch (error) {
      if (mine === generation && isHere()) failed(error);
      return;
    }
    if (mine !== generation || !isHere()) return;
    STATUSES.forEach((status, i) => {
      const page = pages[i];
      Object.assign(columns.get(status), { items: page.items, next: page.next, total: page.total, isExact: page.total_is_exact, isRead: true });
      show(status);
    });
    if (patched !== before) { readAll(); return; }
    table.say("");
    if (current !== null && !find(current)) current = null;
    const first = STATUSES.map((status) => columns.get(status).items[0]).find(Boolean);
    if (current === null && first) cardOf(number(first)).tabIndex = 0; // so that Tab comes to the board
    for (const id of chosen) if (!find(id)) chosen.delete(id);
    told();
    review.decide.describe();
    if (state.filters().length && ![...columns.values()].some((each) => each.total))
      table.say("No candidate passes these filters", "Leave one out, or look at all iterations.",
        [h("button", { type: "button", class: "primary", onclick: state.clear }, "Clear filters")]);
  };

  const more = async (status) => {
    const column = columns.get(status);
    if (!column || !column.next || column.isReading) return;
    column.isReading = true;
    const mine = generation;
    try {
      const page = await ask(status, PAGE, column.next);
      if (mine !== generation) return;
      const held = new Set(column.items.map(number));
      column.items.push(...page.items.filter((row) => !held.has(number(row))));
      column.next = page.next;
      show(status);
    } catch (error) {
      if (!error.unreachable) review.notify(`${error.message} ${error.remedy || ""}`, { kind: "problem" });
    } finally {
      column.isReading = false;
    }
  };

  // What comes next is asked for before its place comes into sight.
  const watched = (status) => {
    const sentinel = h("div", { class: "board-card waits", "data-more": status, "aria-hidden": "true" }, h("span", { class: "skeleton" }));
    new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) more(status); },
      { root: byId(`cards-${status}`), rootMargin: "800px" }).observe(sentinel);
    return sentinel;
  };

  const begin = () => {
    columns = new Map(STATUSES.map((status) => [status,
      { items: [], cards: new Map(), next: null, total: 0, isExact: true, isRead: false, sentinel: watched(status) }]));
    for (const status of STATUSES) {
      byId(`cards-${status}`).replaceChildren(...[1, 2, 3].map(() => h("div", { class: "board-card waits", "aria-hidden": "true" }, h("span", { class: "skeleton" }))));
      byId(`count-${status}`).textContent = "";
      byId(`empty-${status}`).hidden = true;
    }
  };

  // ---- What the grid's page does, for this one --------------------------------------------------------
  const insteadOfGrid = {
    reload: () => { if (!isHere()) return; begin(); chosen.clear(); readAll(); },
    refresh: () => { if (isHere()) readAll(); },
    // Puts candidates where they stand now; of those that are not shown only the server knows where they were.
    patch: (candidates) => {
      if (!isHere()) return;
      patched += 1;
      let isUnknown = false;
      const touched = new Set();
      for (const candidate of candidates) {
        const held = find(number(candidate));
        if (!held) {
          const iteration = state.iteration();
          isUnknown = isUnknown || iteration === null || candidate.iteration === undefined || candidate.iteration === iteration;
          continue;
        }
        const row = { ...held.row, ...candidate };
        if (row.status !== held.row.status && !candidate.moved) row.moved = { actor: review.who(), at: new Date().toISOString(), reason: "" };
        touched.add(held.status);
        if (row.status === held.status) held.column.items[held.column.items.indexOf(held.row)] = row;
        else {
          held.column.items.splice(held.column.items.indexOf(held.row), 1);
          held.column.total -= 1;
          const there = columns.get(row.status);
          touched.add(row.status);
          const known = there.items.findIndex((each) => number(each) === number(row));
          if (known >= 0) { // its column was read after it moved, the one that it left before
            there.items[known] = row;
            continue;
          }
          there.total += 1;
          if (row.status === "ranked") there.items.splice(there.items.findIndex((each) => each.rank > row.rank) >>> 0, 0, row);
          else if (ORDERS[row.status][0] === "-") there.items.unshift(row);
          else if (!there.next) there.items.push(row);
        }
      }
      touched.forEach(show);
      if (touched.size) told();
      review.decide.describe();
      if (isUnknown) readAll();
    },
    rows: () => [...chosen].map((id) => find(id)).filter(Boolean).map(({ row }) => row),
    current: () => {
      const held = current === null ? null : find(current);
      return held && { data: held.row };
    },
  };
  const ofGrid = { reload: table.reload, refresh: table.refresh, patch: table.patch, rows: table.rows, current: table.current };

  // Which of both pages it is: the candidates' or this one.
  board.choose = (page) => Object.assign(table, page === "validation" ? insteadOfGrid : ofGrid);
  board.takeUp = () => {
    current = null;
    chosen.clear();
    table.grid = { deselectAll: () => choose([]) };
    table.reload();
    if (state.get("candidate")) table.open(state.get("candidate"));
  };

  // ---- Where one is, and what is chosen ------------------------------------------------------------
  let following = null;
  const cardOf = (id) => { const held = find(id); return held && held.column.cards.get(id).card; };
  const go = (id, { focus = true } = {}) => {
    const before = current === null ? null : cardOf(current);
    if (before) reach(before, false);
    current = id;
    const card = cardOf(id);
    if (!card) return;
    reach(card, true);
    if (focus) card.focus();
    clearTimeout(following);
    if (table.opened() !== null && table.opened() !== String(id)) following = setTimeout(() => table.open(String(id)), 120);
  };

  const choose = (ids) => {
    const before = chosen;
    chosen = new Set(ids);
    for (const id of new Set([...before, ...chosen])) {
      const card = cardOf(id);
      if (card) card.dataset.chosen = String(chosen.has(id));
    }
    review.decide.describe();
  };
  const turn = (id) => choose(chosen.has(id) ? [...chosen].filter((each) => each !== id) : [...chosen, id]);

  board.describeMoves = () => {
    const rows = table.rows();
    for (const button of document.querySelectorAll("#moves [data-decide]"))
      button.hidden = !rows.length || !rows.every(may[button.dataset.decide]);
  };

  const step = (by) => {
    const held = current === null ? null : find(current);
    if (!held) {
      const first = STATUSES.map((status) => columns.get(status)).find((column) => column && column.items.length);
      if (first) go(number(first.items[0]));
      return;
    }
    const next = held.column.items[held.column.items.indexOf(held.row) + by];
    if (next) go(number(next));
    else if (by > 0 && held.column.next) more(held.status);
  };
  const across = (by) => {
    const held = current === null ? null : find(current);
    if (!held) return step(1);
    const place = held.column.items.indexOf(held.row);
    for (let i = STATUSES.indexOf(held.status) + by; i >= 0 && i < STATUSES.length; i += by) {
      const { items } = columns.get(STATUSES[i]);
      if (items.length) return go(number(items[Math.min(place, items.length - 1)]));
    }
  };

  document.addEventListener("keydown", (event) => {
    if (!isHere() || byId("board").closest("[hidden]") || review.isTyping(event) || review.isCovered()) return;
    const onCard = event.target.closest && event.target.closest("[data-card], body");
    if (!onCard || (event.target.closest("button, a, summary, .detail") && event.key === "Enter")) return;
    const walks = { j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
      l: () => across(1), ArrowRight: () => across(1), h: () => across(-1), ArrowLeft: () => across(-1) };
    const isArrow = event.key.startsWith("Arrow");
    if (isArrow && !event.target.closest("[data-card]") && event.target !== document.body) return;
    const verb = KEYS[event.key];
    const at = insteadOfGrid.current();
    if (walks[event.key]) walks[event.key]();
    else if (event.key === "x" || (event.key === " " && event.target.closest("[data-card]"))) { if (at) turn(current); }
    else if (event.key === "/") byId("formula").focus();
    else if (event.key === "Enter") { if (at) table.open(String(current)); }
    else if (event.key === "Escape") { if (table.opened() !== null) table.open(null); else choose([]); }
    else if (verb) {
      if (document.querySelector("#frame.right-read")) review.notify("Deciding is for reviewers and admins.", { kind: "problem" });
      else if (at) act(verb, at.data);
      else review.notify("Choose a candidate first: click its card, or press j.");
    } else return;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const move = event.target.closest("[data-move]");
    const card = event.target.closest("[data-card]");
    if (!card) return;
    const id = Number(card.dataset.card);
    const held = find(id);
    if (!held) return;
    if (move) { go(id, { focus: false }); act(move.dataset.move, held.row); }
    else if (event.shiftKey || event.ctrlKey || event.metaKey) { event.preventDefault(); go(id); turn(id); }
    else { go(id); table.open(String(id)); }
  });

  // ---- Dragging ------------------------------------------------------------------------------------
  let dragged = null;
  const over = (event) => {
    const column = dragged && event.target.closest && event.target.closest(".column");
    return column ? { column, verb: meant(dragged, column.dataset.column) } : null;
  };
  document.addEventListener("dragstart", (event) => {
    const card = event.target.closest && event.target.closest("[data-card]");
    if (!card || document.querySelector("#frame.right-read")) return;
    dragged = find(Number(card.dataset.card)).row;
    event.dataTransfer.effectAllowed = "move";
    for (const column of document.querySelectorAll(".column")) column.classList.toggle("takes", Boolean(meant(dragged, column.dataset.column)));
  });
  document.addEventListener("dragover", (event) => { const at = over(event); if (at && at.verb) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    const at = over(event);
    if (!at || !at.verb) return;
    event.preventDefault();
    act(at.verb, dragged);
  });
  document.addEventListener("dragend", () => {
    dragged = null;
    for (const column of document.querySelectorAll(".column.takes")) column.classList.remove("takes");
  });
})();
