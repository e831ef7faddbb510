// The filters above the grid: the address holds them, these show and change them.
(() => {
  const { review } = window;
  const { state, byId, h } = review;
  const VIEWS = "catalyst.views";
  const STATUSES = ["ranked", "flagged", "in_validation", "validated", "rejected"];
  const filters = (review.filters = {});

  // Inputs that no page lays out: they are the browser's alone.
  filters.fill = () => {
    const input = (id, type, more) => h("input", { id, type, ...more });
    byId("formula-place").replaceChildren(input("formula", "search", { placeholder: "Formula ↵", title: "A composition, then Enter", "aria-label": "Formula", size: 13 }));
    byId("view-name-place").replaceChildren(input("view-name", "text", { placeholder: "Name of this view", "aria-label": "Name of this view", maxlength: 60 }));
    if (byId("rerank")) byId("rerank-weight-place").replaceChildren(h("label", {}, "Exploration ",
      input("rerank-weight", "range", { min: 0, max: 1, step: 0.05 }), " ", h("output", { id: "rerank-weight-told" })));
  };

  // ---- Elements: none, wanted, unwanted --------------------------------------------------------
  const chosen = () => ({
    wanted: new Set([...state.list("elements"), ...state.list("only_elements")]),
    unwanted: new Set(state.list("exclude_elements")),
    isOnly: state.params.has("only_elements"),
  });

  const put = ({ wanted, unwanted, isOnly }) => state.change({
    elements: isOnly ? null : [...wanted].join(","),
    only_elements: isOnly ? [...wanted].join(",") : null,
    exclude_elements: isOnly ? null : [...unwanted].join(","),
  });

  const turn = (symbol) => {
    const now = chosen();
    if (now.wanted.has(symbol)) {
      now.wanted.delete(symbol);
      if (!now.isOnly) now.unwanted.add(symbol);
    } else if (now.unwanted.has(symbol)) now.unwanted.delete(symbol);
    else now.wanted.add(symbol);
    put(now);
  };

  const describeElements = () => {
    const { wanted, unwanted, isOnly } = chosen();
    for (const cell of document.querySelectorAll("#elements-table [data-element]")) {
      const symbol = cell.dataset.element;
      const how = wanted.has(symbol) ? "wanted" : unwanted.has(symbol) ? "unwanted" : "";
      cell.className = `element ${how}`;
      cell.setAttribute("aria-pressed", how === "wanted" ? "true" : how === "unwanted" ? "mixed" : "false");
      cell.setAttribute("aria-label", cell.title + (how === "wanted" ? ", wanted" : how ? ", excluded" : ""));
    }
    byId("elements-only").setAttribute("aria-pressed", String(isOnly));
    const said = [[...wanted].join(", "), unwanted.size ? `not ${[...unwanted].join(", ")}` : ""].filter(Boolean).join("; ");
    label("elements-open", said ? `${isOnly ? "Only " : ""}${said}` : "Elements", Boolean(said));
  };

  const label = (id, text, isActive) => {
    const button = byId(id);
    button.textContent = text;
    button.classList.toggle("active", isActive);
  };

  // ---- Status, iteration ---------------------------------------------------------------------------
  const describeStatuses = () => {
    if (!byId("statuses")) return;
    const iteration = state.iteration();
    const counts = {};
    for (const each of state.about.iterations)
      if (iteration === null || each.number === iteration)
        for (const [status, n] of Object.entries(each.counts)) counts[status] = (counts[status] || 0) + n;
    const asked = state.all("status");
    byId("statuses").replaceChildren(...STATUSES.map((status) => h("button", {
      type: "button", class: `chip status-${status}`, "data-status": status, "aria-pressed": String(asked.includes(status)),
    }, review.title(status), h("span", { class: "n" }, (counts[status] || 0).toLocaleString("en")))),
    state.about.has_criteria
      ? h("button", { type: "button", class: "chip", id: "hits", "aria-pressed": String(state.get("hit") === "true") }, "Hits")
      : null);
  };

  const describeIterations = () => {
    const picker = byId("iteration");
    const options = [["all", "All iterations"], ...[...state.about.iterations].reverse()
      .map((each) => [String(each.number), `Iteration ${each.number}`])];
    if (picker.dataset.options !== JSON.stringify(options)) {
      picker.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
      picker.dataset.options = JSON.stringify(options);
    }
    picker.value = state.iteration() === null ? "all" : String(state.iteration());
    review.store("shown-iteration", picker.value);
  };

  // ---- Ranges ----------------------------------------------------------------------------------
  const rangeOf = (parameter, name) => {
    const found = state.all(parameter).find((text) => !name || text.startsWith(`${name}:`));
    return found ? found.split(":").slice(-2) : ["", ""];
  };

  const readNumber = (text) => text.trim().replace("\u2212", "-").replace(/^([^.]*),([^,]*)$/, "$1.$2");

  const setRange = (parameter, name, low, high) => {
    const others = name ? state.all(parameter).filter((text) => !text.startsWith(`${name}:`)) : [];
    const both = `${name ? `${name}:` : ""}${low}:${high}`;
    state.change({ [parameter]: low || high ? [...others, both] : others });
  };

  const field = (parameter, name, text, unit, scale = 1) => {
    const [low, high] = rangeOf(parameter, name).map((bound) => (bound && scale !== 1 ? String(Number(bound) * scale) : bound));
    const box = (value, which) => h("input", { type: "text", inputmode: "decimal", value, "aria-label": `${text}, ${which}`,
      placeholder: which, size: 7, "data-range": parameter, "data-name": name || "", "data-scale": scale });
    return h("div", { class: "range" }, h("span", {}, text, unit ? h("small", { class: "soft" }, ` ${unit}`) : null),
      box(low, "least"), h("span", { "aria-hidden": "true" }, "–"), box(high, "most"));
  };

  const describeRanges = () => {
    const place = byId("ranges-fields");
    if (!place.contains(document.activeElement)) {
      const fields = [];
      if (state.about.has_criteria) fields.push(field("feasibility", "", "Chance of a hit", "%", 100));
      fields.push(field("rank", "", "Rank", ""));
      for (const { name, label: title, unit } of state.about.properties)
        fields.push(h("h3", {}, title), field("predicted", name, "Predicted", unit),
          field("uncertainty", name, "Deviation", unit), field("validated", name, "Measured", unit));
      place.replaceChildren(...fields);
    }
    const n = ["feasibility", "rank", "predicted", "uncertainty", "validated", "acquisition"]
      .reduce((sum, name) => sum + state.all(name).length, 0);
    label("ranges-open", n ? `Ranges · ${n}` : "Ranges", n > 0);
  };

  const takeRange = (input) => {
    const { range, name, scale } = input.dataset;
    const boxes = [...input.closest(".range").querySelectorAll("input")];
    const values = boxes.map((box) => readNumber(box.value));
    const isWrong = values.map((text) => text !== "" && !Number.isFinite(Number(text)));
    const isEmpty = !isWrong.some(Boolean) && values.every(Boolean) && Number(values[0]) > Number(values[1]);
    boxes.forEach((box, i) => box.setAttribute("aria-invalid", String(isWrong[i] || isEmpty)));
    byId("ranges-complaint").textContent = isWrong.some(Boolean) ? "A bound is a number, such as 1.62."
      : isEmpty ? "The least is larger than the most." : "";
    if (isWrong.some(Boolean) || isEmpty) return;
    const scaled = values.map((text) => (text && Number(scale) !== 1 ? String(Number(text) / Number(scale)) : text));
    setRange(range, name, ...scaled);
  };

  // ---- Views -----------------------------------------------------------------------------------
  const views = () => { try { return JSON.parse(localStorage.getItem(VIEWS)) || {}; } catch { return {}; } };
  const place = () => location.pathname;
  const keepViews = (all) => { localStorage.setItem(VIEWS, JSON.stringify(all)); describeViews(); };
  const describeViews = () => {
    const mine = views()[place()] || {};
    byId("views-list").replaceChildren(...Object.entries(mine).map(([name, query]) => h("li", {},
      h("a", { href: `${place()}?${query}` }, name),
      h("button", { type: "button", class: "link", "aria-label": `Forget ${name}`, onclick: () => {
        const { [name]: _, ...rest } = mine;
        keepViews({ ...views(), [place()]: rest });
      } }, "×"))), ...(Object.keys(mine).length ? [] : [h("li", { class: "soft" }, "None yet. A view is what you see now, by a name.")]));
  };
  const saveView = () => {
    const name = byId("view-name").value.trim();
    if (!name) return;
    const kept = new URLSearchParams(state.params);
    kept.delete("candidate");
    keepViews({ ...views(), [place()]: { ...views()[place()], [name]: kept.toString() } });
    byId("view-name").value = "";
    review.notify(`The view "${name}" is kept in this browser.`);
  };

  // ---- All of it -------------------------------------------------------------------------------
  filters.describe = () => {
    if (!state.about || !byId("filters")) return;
    describeIterations();
    describeStatuses();
    describeElements();
    describeRanges();
    describeViews();
    if (document.activeElement !== byId("formula")) byId("formula").value = state.get("formula") || "";
    byId("clear").hidden = !state.filters().length;
    const query = state.query();
    for (const format of ["csv", "parquet", "cif"])
      byId(`export-${format}`).href = `/api/v1/exports/candidates.${format}?${query}`;
    review.rerank.describe();
  };
  state.on(filters.describe);

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    const element = at("[data-element]");
    const status = at("[data-status]");
    if (element) turn(element.dataset.element);
    else if (at("#elements-only")) { const now = chosen(); put({ ...now, isOnly: !now.isOnly }); }
    else if (at("#elements-clear")) state.change({ elements: null, only_elements: null, exclude_elements: null });
    else if (status) {
      const asked = state.all("status");
      const which = status.dataset.status;
      state.change({ status: asked.includes(which) ? asked.filter((each) => each !== which) : [...asked, which] });
    } else if (at("#hits")) state.change({ hit: state.get("hit") === "true" ? null : "true" });
    else if (at("#clear")) state.clear();
    else if (at("#view-save")) saveView();
    else if (at("#upload")) { const open = at("[popover]"); if (open) open.hidePopover(); }
  });

  document.addEventListener("change", (event) => {
    const { target } = event;
    if (target.id === "iteration")
      state.change({ iteration: target.value, strategy: null, weight: null });
    else if (target.dataset && target.dataset.range) takeRange(target);
    else if (target.id === "formula") state.change({ formula: target.value.trim() });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    if (event.target.id === "formula") { event.target.blur(); }
    else if (event.target.dataset && event.target.dataset.range) takeRange(event.target);
    else if (event.target.id === "view-name") saveView();
  });
})();
