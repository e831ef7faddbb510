// The parts of the validation page: which of them is in sight, and what their buttons and rows open.
(() => {
  const { review } = window;
  const { state, table, byId } = review;

  const VIEWS = ["board", "results", "work-order", "calculations"];
  const viewed = () => (VIEWS.includes(state.get("view")) ? state.get("view") : "board");
  review.board.describeView = () => {
    if (!byId("board-tab")) return;
    const view = viewed();
    for (const name of VIEWS) {
      byId(`${name}-tab`).setAttribute("aria-selected", String(name === view));
      byId(`${name}-tab`).tabIndex = name === view ? 0 : -1;
      review.set(name === "board" ? "grid-place" : `${name}-view`, { hidden: name !== view });
    }
    byId("toolbar").dataset.view = view;
    const iteration = state.iteration();
    review.store("shown-view", { view, iteration, results: Number(state.get("results")) || null });
  };
  state.on(review.board.describeView);

  document.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-view].view-tab");
    if (tab) state.change({ view: tab.dataset.view === "board" ? null : tab.dataset.view, results: null }, { rows: false });
    const older = event.target.closest("[data-older]");
    if (older) state.change({ results: older.dataset.older }, { rows: false });
    const asking = event.target.closest("[data-ask-result]");
    if (asking) {
      const about = { candidate: Number(asking.dataset.candidate) || null, material: asking.dataset.material || null,
        result: Number(asking.dataset.askResult) || null };
      review.askResult(about);
    }
    const past = event.target.closest("[data-history]");
    if (past) {
      review.store("history-asked", { result: Number(past.dataset.history), at: Date.now() });
      byId("history").showModal();
    }
    const log = event.target.closest("[data-log]");
    if (log) {
      byId("log-text").textContent = "";
      review.store("log-asked", { job: log.dataset.log, at: Date.now() });
      byId("log").showModal();
    }
    const opening = event.target.closest("[data-open-candidate]");
    if (opening) { event.preventDefault(); table.open(opening.dataset.openCandidate); }
  });
  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest && event.target.closest(".view-tab");
    if (!tab || !["ArrowRight", "ArrowLeft"].includes(event.key)) return;
    event.preventDefault();
    const next = VIEWS[(VIEWS.indexOf(tab.dataset.view) + (event.key === "ArrowRight" ? 1 : -1) + VIEWS.length) % VIEWS.length];
    byId(`${next}-tab`).click();
    byId(`${next}-tab`).focus();
  });

  Object.assign(window.dash_clientside.review, {
    // What would happen stands below the form: it comes into sight.
    reveal: (...previews) => {
      const changed = window.dash_clientside.callback_context.triggered_id;
      if (changed && previews.some(Boolean)) setTimeout(() => byId(changed).scrollIntoView({ block: "end" }), 50);
      return Date.now();
    },
    renewView: (shown) => ["results", "work-order", "calculations"].map((view) =>
      shown && shown.view === view ? { ...shown, at: Date.now() } : window.dash_clientside.no_update),
  });
  // What runs grows older while one looks.
  setInterval(() => { if (byId("calculations-tab") && viewed() === "calculations" && !document.hidden) review.board.describeView(); }, 20000);

  // The methods that are known here, once somebody writes one.
  let methods = null;
  document.addEventListener("focusin", async ({ target }) => {
    const place = byId("known-methods");
    if (!place || place.firstChild || target.getAttribute("list") !== "known-methods") return;
    methods = methods || review.ask("/campaign-choices").then((found) => found.methods, () => []);
    const found = await methods;
    place.replaceChildren(...found.map((each) => review.h("option", { value: each.name }, each.description)));
  });

  // Opens the form of a result: of a candidate or material, or one that corrects another result.
  review.askResult = (about) => review.store("result-asked", { ...about, at: Date.now() });
})();
