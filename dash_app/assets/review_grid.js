// The grid: asks for rows as they come into sight, keeps them up to date, follows the keyboard.
(() => {
  const { review } = window;
  const { state } = review;
  const GRID = "candidates";
  const BLOCK = 100;
  const MOST_SKIPPED = 100000;
  const GRID_CODE = "/_dash-component-suites/dash_ag_grid/async-community.js";

  const { table } = review;
  let cursors = new Map(); // the cursor of each block that begins there
  let flying = new Map(); // what is being asked for: the grid asks twice while it settles its columns
  let asking = new AbortController();
  let asked = 0;

  // Read while the server is asked for the campaign, not after: the grid would ask for it only once it is laid out.
  if (/^\/campaigns\/[^/]+$/.test(window.location.pathname))
    document.head.append(review.h("script", { src: GRID_CODE, async: true }));

  const rowOf = (candidate) => Object.assign(candidate, {
    id: candidate.candidate_id === null ? `m:${candidate.material_id}` : String(candidate.candidate_id),
    unlearned: state.about.unlearned.includes(candidate.iteration ?? state.iteration()),
  });

  const say = (title, text, actions = []) => {
    const place = review.byId("grid-message");
    if (!place) return;
    place.replaceChildren(...(title ? [review.h("h2", {}, title), review.h("p", {}, text), ...actions] : []));
    place.hidden = !title;
  };
  table.say = say;

  const counted = (total, isExact) => {
    state.total = total;
    const place = review.byId("candidate-count");
    if (place) place.textContent = (isExact ? "" : "more than ") + review.count(total, "candidate");
  };

  const nothing = () => {
    if (state.filters().length)
      say("No candidate passes these filters", "Leave one out, or look at all iterations.",
        [review.h("button", { type: "button", class: "primary", onclick: state.clear }, "Clear filters")]);
    else say("No candidates here", "This iteration has ranked none.");
  };

  const failed = (error) => {
    const again = review.h("button", { type: "button", class: "primary", onclick: () => table.reload() }, "Try again");
    if (error.unreachable) say("The server does not answer", "What is shown here stays. It is asked again by itself.", [again]);
    else if (error.status === 422)
      say("These filters cannot be read", `${error.message} ${error.remedy}`,
        [review.h("button", { type: "button", class: "primary", onclick: state.clear }, "Clear filters")]);
    else say("The candidates could not be loaded", `${error.message} ${error.remedy || ""}`, [again]);
    review.byId("candidate-count").textContent = "";
  };

  const readPage = async (request) => {
    const query = state.query(request.sortModel);
    query.set("limit", request.endRow - request.startRow);
    const cursor = cursors.get(request.startRow);
    if (cursor) query.set("cursor", cursor);
    else if (request.startRow) query.set("offset", Math.min(request.startRow, MOST_SKIPPED));
    const path = `/candidates?${query}`;
    const { signal } = asking;
    if (!flying.has(path)) flying.set(path, review.ask(path, { signal }).finally(() => { if (!signal.aborted) flying.delete(path); }));
    const page = await flying.get(path);
    if (page.next) cursors.set(request.endRow, page.next);
    const end = request.startRow + page.items.length;
    return { rows: page.items, last: page.next ? (page.total_is_exact ? page.total : -1) : end,
      total: page.total, isExact: page.total_is_exact };
  };

  const readReranked = async (request) => {
    const found = await review.rerank.read();
    return { rows: found.items.slice(request.startRow, request.endRow), last: found.items.length,
      total: found.items.length, isExact: true };
  };

  const source = {
    getRows: async (request) => {
      const number = asked;
      try {
        const page = await (state.reranks() ? readReranked(request) : readPage(request));
        if (number !== asked) return;
        const rows = page.rows.map(rowOf);
        review.reach(rows, state.about.properties);
        request.successCallback(rows, page.last);
        counted(page.total, page.isExact);
        say("");
        if (request.startRow === 0 && !rows.length) nothing();
      } catch (error) {
        if (number !== asked || error.name === "AbortError") return;
        request.failCallback();
        failed(error);
      }
    },
  };

  const begin = () => {
    asking.abort();
    asking = new AbortController();
    cursors = new Map();
    flying = new Map();
    asked += 1;
  };

  // Reads everything anew, from the top.
  table.reload = () => {
    if (!table.grid) return;
    begin();
    review.forgetReaches();
    table.grid.deselectAll();
    table.grid.setColumnsVisible(["iteration"], state.iteration() === null);
    table.grid.setColumnsVisible(["distance"], !state.reranks());
    table.grid.setGridOption("datasource", { ...source });
    table.grid.ensureIndexVisible(0);
  };

  // Reads what is in sight anew, where one is.
  table.refresh = () => {
    if (!table.grid) return;
    begin();
    table.grid.refreshInfiniteCache();
  };

  // Puts candidates, as the API shows them now, into the rows that are there.
  table.patch = (candidates) => {
    const grid = table.grid;
    if (!grid) return;
    for (const candidate of candidates) {
      const node = grid.getRowNode(String(candidate.candidate_id));
      if (!node || !node.data) continue;
      const before = node.data;
      node.setData(rowOf({ ...before, ...candidate }));
      if (before.status !== candidate.status || before.version !== candidate.version)
        grid.flashCells({ rowNodes: [node], columns: ["status"] });
    }
    review.decide.describe();
  };

  table.rows = () => (table.grid ? table.grid.getSelectedRows().filter((row) => row.candidate_id) : []);

  table.current = () => {
    const cell = table.grid && table.grid.getFocusedCell();
    const node = cell && table.grid.getDisplayedRowAtIndex(cell.rowIndex);
    return node && node.data ? node : null;
  };

  const focus = (index) => {
    const { grid } = table;
    if (!grid || index < 0 || index >= grid.getDisplayedRowCount()) return;
    const cell = grid.getFocusedCell();
    grid.ensureIndexVisible(index);
    grid.setFocusedCell(index, cell ? cell.column : "formula");
  };

  // ---- The panel of one candidate ----------------------------------------------------------------
  let following = null;
  table.opened = () => state.get("candidate");
  table.open = (id) => {
    clearTimeout(following);
    state.change({ candidate: id }, { rows: false });
    review.store("opened", id === null ? null : Number(id));
    review.set("detail-panel", { hidden: id === null });
  };
  const follow = (node) => {
    if (!node || !node.data || !node.data.candidate_id || table.opened() === null) return;
    if (String(node.data.candidate_id) === table.opened()) return;
    clearTimeout(following);
    following = setTimeout(() => table.open(String(node.data.candidate_id)), 120);
  };

  const takeUp = (grid) => {
    table.grid = grid;
    const sort = state.get("sort");
    if (sort) grid.applyColumnState({ state: [{ colId: sort.replace(/^-/, ""), sort: sort[0] === "-" ? "desc" : "asc" }] });
    grid.addEventListener("selectionChanged", () => review.decide.describe());
    grid.addEventListener("sortChanged", () => {
      const [sorted] = grid.getColumnState().filter((column) => column.sort);
      cursors = new Map();
      asked += 1;
      state.change({ sort: sorted ? (sorted.sort === "desc" ? "-" : "") + sorted.colId : null }, { rows: false });
    });
    grid.addEventListener("cellClicked", ({ node, column, event }) => {
      if (event && event.target.closest("a")) return; // it leads elsewhere
      if (node.data && node.data.candidate_id && column.getColId() !== "ag-Grid-SelectionColumn")
        table.open(String(node.data.candidate_id));
    });
    grid.addEventListener("cellFocused", ({ rowIndex }) => {
      follow(rowIndex === null ? null : grid.getDisplayedRowAtIndex(rowIndex));
      review.decide.describe();
    });
    table.reload();
    if (state.get("candidate")) table.open(state.get("candidate"));
    if (state.get("compare")) review.compare(state.list("compare").map(Number));
  };

  state.on((rows) => { if (rows) table.reload(); });

  // ---- Keys ------------------------------------------------------------------------------------
  const step = (by) => {
    const at = table.grid.getFocusedCell();
    focus(at ? at.rowIndex + by : 0);
  };
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    x: () => { const node = table.current(); if (node && node.data.candidate_id) node.setSelected(!node.isSelected()); },
    f: () => review.decide.open("flag"),
    r: () => review.decide.open("reject"),
    c: () => review.compare(),
    w: () => review.byId("rerank-open").click(),
    m: () => {
      const node = table.current();
      const link = node && document.querySelector(`.ag-row[row-id="${CSS.escape(node.id)}"] a[data-page]`);
      if (link) link.click();
    },
    "/": () => review.byId("formula").focus(),
  };
  document.addEventListener("keydown", (event) => {
    if (!table.grid || !review.byId(GRID) || review.isTyping(event) || review.isCovered()) return;
    if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    } else if (event.key === "Enter" && event.target.closest(`#${GRID}, body`) && !event.target.closest("button, a, summary")) {
      const node = table.current();
      if (node && node.data.candidate_id) table.open(String(node.data.candidate_id));
    } else if (event.key === "Escape") {
      if (table.opened() !== null) table.open(null);
      else table.grid.deselectAll();
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("#detail-close")) table.open(null);
  });

  const byPage = () => (review.byId("board-tab") ? "validation" : "candidates");

  // The campaign as the server tells it: first and whenever it has changed.
  const take = (about) => {
    const place = review.byId("filters");
    if (!about || !place || about === state.about) return;
    const isFirst = !place.dataset.filled;
    if (isFirst) { review.filters.fill(); place.dataset.filled = "true"; review.board.choose(byPage()); }
    const before = state.iteration();
    // Who looks at the newest iteration goes on looking at it, until asked for the next one.
    const isLeft = !isFirst && state.get("iteration") === null && about.latest !== state.about.latest;
    state.about = about;
    if (isFirst) { table.grid = null; state.read(); }
    else if (isLeft && before !== null) state.change({ iteration: before }, { rows: false });
    review.filters.describe();
    review.board.describeView();
  };

  Object.assign(window.dash_clientside.review, {
    takeAbout: (about) => {
      take(about);
      return Date.now();
    },
    layOut: async (page, about) => {
      if (!page) return window.dash_clientside.no_update;
      take(about);
      if (page === "validation") { review.board.takeUp(); return Date.now(); }
      const grid = await window.dash_ag_grid.getApiAsync(GRID);
      // Dash gives it a source of its own when it is ready: ours comes after.
      while (!grid.isDestroyed() && !grid.getGridOption("datasource")) await new Promise((done) => setTimeout(done, 10));
      takeUp(grid);
      return Date.now();
    },
    renew: (decided) => {
      if (decided) table.refresh();
      return Date.now();
    },
  });
})();
