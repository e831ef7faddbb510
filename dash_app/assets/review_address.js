// What one looks at: the address holds it, with the names that the API gives its filters.
(() => {
  const { review } = window;
  const LISTS = ["elements", "exclude_elements", "only_elements"];
  const FILTERS = [...LISTS, "formula", "material", "candidates", "status", "rejection_kind", "hit", "predicted", "uncertainty",
    "validated", "feasibility", "rank", "acquisition", "updated_since"];
  const KNOWN = new Set([...FILTERS, "iteration", "sort", "candidate", "compare", "strategy", "weight", "view", "results"]);
  const watching = new Set();

  review.table = { grid: null }; // what `review_grid.js` is about
  const state = (review.state = {
    about: null, // the campaign, once the server told
    params: new URLSearchParams(),
    total: null,
  });

  state.read = () => {
    state.params = new URLSearchParams();
    for (const [name, value] of new URLSearchParams(location.search))
      if (KNOWN.has(name) && value) state.params.append(name, value);
  };

  state.on = (act) => watching.add(act);

  // Changes what one looks at: {name: value, list or null}. `rows: false` leaves the rows as they are.
  state.change = (changes, { rows = true } = {}) => {
    for (const [name, value] of Object.entries(changes)) {
      state.params.delete(name);
      for (const each of [value].flat())
        if (each !== null && each !== undefined && each !== "") state.params.append(name, each);
    }
    const query = state.params.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
    history.replaceState(history.state, "", location.pathname + (query ? `?${query}` : ""));
    watching.forEach((act) => act(rows));
  };

  state.list = (name) => (state.params.get(name) || "").split(",").filter(Boolean);
  state.all = (name) => state.params.getAll(name);
  state.get = (name) => state.params.get(name);

  // The iteration that is shown: a number, or null for all.
  state.iteration = () => {
    const asked = state.get("iteration");
    if (asked === "all") return null;
    if (asked !== null && /^\d+$/.test(asked)) return Number(asked);
    return state.about && state.about.latest;
  };
  state.reranks = () => state.iteration() !== null && Boolean(state.get("strategy") || state.get("weight"));
  state.filters = () => FILTERS.filter((name) => state.params.has(name));
  state.clear = () => state.change(Object.fromEntries(FILTERS.map((name) => [name, null])));

  // A campaign's tabs show the same part of it: what is filtered goes along, through those that filter nothing too.
  const KEPT = ["iteration", ...LISTS, "formula", "predicted", "uncertainty", "validated", "feasibility"];
  let kept = { campaign: null, query: "" };
  document.addEventListener("click", (event) => {
    const tab = event.target.closest(".campaign-head a.page-tab");
    if (!tab || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const [, , campaign] = tab.pathname.split("/");
    const asked = new URLSearchParams(location.search);
    const query = new URLSearchParams(KEPT.flatMap((name) => asked.getAll(name).map((value) => [name, value]))).toString();
    if (!location.pathname.endsWith("/progress") || kept.campaign !== campaign) kept = { campaign, query };
    if (!kept.query) return;
    event.preventDefault();
    event.stopPropagation();
    review.go(`${tab.pathname}?${kept.query}`);
  }, true);

  // What the API is asked for, without a page.
  state.query = (sortModel = []) => {
    const query = new URLSearchParams([["campaign", state.about.name]]);
    for (const name of FILTERS) for (const value of state.all(name)) query.append(name, value);
    const iteration = state.iteration();
    if (iteration !== null) query.set("iteration", iteration);
    const [first] = sortModel;
    const chosen = first ? (first.sort === "desc" ? "-" : "") + first.colId : state.get("sort");
    // Of several iterations each is listed by itself, the newest first.
    query.set("sort", chosen || (iteration === null ? "-iteration" : "rank"));
    return query;
  };
})();
