// The map of a pool: reads its columns, colours the points, follows what changes. The address holds what one looks at. Moving
// about and drawing around some is in `review_map_view.js`, what is done with a selection in `review_map_panel.js`.
(() => {
  const { review } = window;
  const { byId, h } = review;
  const NO_NUMBER = 65535;
  const STEPS = 65534;
  // Colours are those of chips and board (`--status-…`); shapes tell them apart for who sees few colours. Hits lie on top.
  const LOOKS = {
    unlisted: { title: "Not listed", shape: "disc", size: 1.1 },
    ranked: { title: "Ranked", shape: "disc", size: 1.7 },
    rejected: { title: "Rejected", shape: "cross", size: 1.9 },
    flagged: { title: "Flagged", shape: "triangle", size: 2.1 },
    in_validation: { title: "In validation", shape: "square", size: 1.8 },
    validated: { title: "Validated", shape: "diamond", size: 2.1 },
    hit: { title: "Hit", shape: "star", size: 3 },
  };
  const colourOf = (name) => review.coloursOf(`--status-${name}`);
  const KNOWN = ["iteration", "colour", "view", "around", "point"];
  const map = (review.map = { about: null, pool: null, points: null, params: new URLSearchParams(), chosen: [] });
  let asked = 0;

  map.canvas = () => byId("map-canvas");
  map.over = () => byId("map-over");
  const isDark = () => getComputedStyle(document.documentElement).getPropertyValue("--is-dark").trim() === "1";
  map.isDark = isDark;
  map.isShown = () => Boolean(map.canvas() && map.about);

  // ---- The address ---------------------------------------------------------------------------------
  const read = () => {
    map.params = new URLSearchParams();
    for (const [name, value] of new URLSearchParams(location.search)) if (KNOWN.includes(name) && value) map.params.set(name, value);
  };
  map.change = (changes) => {
    for (const [name, value] of Object.entries(changes))
      if (value === null || value === undefined || value === "") map.params.delete(name);
      else map.params.set(name, value);
    const query = map.params.toString().replaceAll("%2C", ",").replaceAll("%3B", ";").replaceAll("%3A", ":");
    history.replaceState(history.state, "", location.pathname + (query ? `?${query}` : ""));
  };
  map.iteration = () => {
    const number = map.params.get("iteration");
    return number !== null && /^\d+$/.test(number) ? Number(number) : map.about.latest;
  };

  // ---- The columns ---------------------------------------------------------------------------------
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const numbers = ({ low, high, data }) => {
    const steps = new Uint16Array(bytes(data).buffer);
    const values = new Float32Array(steps.length);
    for (let i = 0; i < steps.length; i += 1)
      values[i] = steps[i] === NO_NUMBER ? NaN : low + ((high - low) * steps[i]) / STEPS;
    return values;
  };

  // Whether nothing came and nobody decided since it was read.
  let taken = null;
  const isSame = (answer) => Boolean(taken) && taken.partition_key === answer.partition_key
    && taken.n_placed === answer.n_placed && taken.status === answer.status && taken.candidate_ids === answer.candidate_ids;

  const take = (answer) => {
    taken = answer;
    const pool = {
      ...answer,
      candidates: new Float64Array(bytes(answer.candidate_ids).buffer),
      status: bytes(answer.status),
      score: numbers(answer.score), feasibility: numbers(answer.feasibility), distance: numbers(answer.distance),
      properties: answer.properties.map((each) => ({ ...each, mean: numbers(each.mean), std: numbers(each.std) })),
    };
    map.pool = pool;
    map.points = { x: numbers(answer.x), y: numbers(answer.y), colour: new Uint16Array(pool.n_shown), shape: new Uint8Array(pool.n_shown), size: new Float32Array(pool.n_shown), order: [] };
    map.points.placed = Uint32Array.from(map.points.x.keys()).filter((i) => !Number.isNaN(map.points.x[i]));
    map.placeOf = new Map(answer.material_ids.map((name, place) => [name, place]));
  };

  map.choices = () => [
    { name: "status", title: "Status" },
    { name: "score", title: "Score", values: map.pool.score, told: "of the candidates" },
    ...(map.about.has_criteria ? [{ name: "feasibility", title: "Chance of a hit", values: map.pool.feasibility, told: "of the candidates" }] : []),
    ...map.pool.properties.flatMap((each) => [
      { name: `mean.${each.name}`, title: each.label || review.title(each.name), unit: each.unit, values: each.mean, told: "predicted" },
      { name: `std.${each.name}`, title: `Uncertainty of ${each.label || review.words(each.name)}`, unit: each.unit, values: each.std, told: "predicted" },
    ]),
    { name: "distance", title: "Distance to the training data", values: map.pool.distance, told: "1 is typical of an unseen chemical system" },
  ];
  map.choice = () => {
    const all = map.choices();
    return all.find(({ name }) => name === map.params.get("colour")) || all[0];
  };

  // ---- Colours -------------------------------------------------------------------------------------
  const colourAll = () => {
    const { points, pool } = map;
    map.paper = review.coloursOf("--sheet");
    const looks = pool.statuses.map((name) => LOOKS[name]);
    const order = points.placed;
    const { values } = map.choice();
    const rank = Object.keys(LOOKS);
    const depth = pool.statuses.map((name) => rank.indexOf(name));
    if (!values) {
      map.palette = rank.map(colourOf);
      const shapes = looks.map(({ shape }) => review.shapes.indexOf(shape));
      for (const i of order) {
        const code = pool.status[i];
        points.colour[i] = depth[code]; points.size[i] = looks[code].size; points.shape[i] = shapes[code];
      }
    } else {
      points.shape.fill(0);
      map.palette = [colourOf("unlisted"), ...review.ramp(isDark())];
      const known = Float32Array.from(order, (i) => values[i]).filter((value) => !Number.isNaN(value)).sort();
      // A few that lie far off do not press the others together.
      const [low, high] = known.length ? [known[Math.floor(known.length * 0.01)], known[Math.ceil(known.length * 0.99) - 1]] : [0, 1];
      map.span = known.length ? [low, high] : null;
      for (const i of order) {
        const has = !Number.isNaN(values[i]);
        points.colour[i] = has ? Math.round(Math.min(Math.max((values[i] - low) / (high - low || 1), 0), 1) * 255) + 1 : 0;
        points.size[i] = has ? 1.3 : 1;
      }
    }
    points.order = review.orderedBy(order, points.colour, map.palette.length);
  };

  const describeIterations = () => {
    byId("map-iteration").replaceChildren(...map.about.iterations.slice().reverse().map(({ number }) =>
      h("option", { value: number }, `Iteration ${number}`)));
    byId("map-iteration").value = map.iteration();
  };

  // What the colours of values mean; of a property that the goal asks for, where its window lies.
  const ramp = ({ name, title, told, unit, values }) => {
    const drawn = h("span", { class: "map-ramp" });
    const colours = review.ramp(isDark());
    drawn.style.background = `linear-gradient(90deg, ${[0, 0.25, 0.5, 0.75, 1].map((share) => `rgb(${colours[Math.round(share * 255)]})`)})`;
    const parts = [h("strong", {}, `${title}${unit ? ` (${unit})` : ""}`), h("span", { class: "soft" }, told || ""), drawn];
    if (!map.span || !values) return parts;
    const [low, high] = map.span;
    const at = (value, end) => Math.min(Math.max((value === null ? end : value - low) / (value === null ? 1 : high - low || 1), 0), 1) * 100;
    const property = map.about.properties.find((each) => name === `mean.${each.name}`);
    for (const [from, to] of property ? property.windows : []) {
      const window_ = h("i", { title: "Goal" });
      window_.style.left = `${at(from, 0)}%`;
      window_.style.width = `${Math.max(at(to, 1) - at(from, 0), 1)}%`;
      parts.push(h("span", { class: "map-aim" }, window_));
    }
    parts.push(h("span", { class: "map-span" }, ...map.span.map((value) => h("span", {}, review.value(value, (high - low) / 20)))));
    if (property && property.windows.length) parts.push(h("span", { class: "soft" }, "the line below is the goal"));
    return parts;
  };

  const describe = () => {
    const { pool } = map;
    const choice = map.choice();
    byId("map-colour").replaceChildren(...map.choices().map(({ name, title, unit }) =>
      h("option", { value: name, selected: name === choice.name }, unit ? `${title} (${unit})` : title)));
    byId("map-colour").value = choice.name;
    const counts = new Map();
    for (const i of map.points.order) counts.set(pool.status[i], (counts.get(pool.status[i]) || 0) + 1);
    const legend = choice.values
      ? ramp(choice)
      : pool.statuses.map((name, code) => counts.get(code)
        ? h("span", { class: "map-key" }, h("i", { class: `status-${name} shape-${LOOKS[name].shape}` }), `${LOOKS[name].title} `,
          h("span", { class: "soft" }, counts.get(code).toLocaleString("en")))
        : null);
    byId("map-legend").replaceChildren(...legend.filter(Boolean));
    const missing = pool.n_shown - pool.n_placed;
    const share = pool.explained === null ? "" : ` They keep ${review.percent(pool.explained)} of the features' variance: near ones may differ in the rest.`;
    byId("map-told").textContent = `${pool.n_placed.toLocaleString("en")} of ${review.count(pool.n_pool, "material")}`
      + `${missing ? `; ${missing.toLocaleString("en")} without features yet` : ""}`;
    byId("map-axes").replaceChildren(`First two principal components of the features.${share}`,
      h("span", { class: "block" }, "Drag to move, scroll to zoom, click for one; Lasso draws around some, to flag or reject them together."));
  };

  // ---- Reading -------------------------------------------------------------------------------------
  const say = (title, text, ...more) => {
    byId("map-message").replaceChildren(...(title ? [h("h2", {}, title), h("p", {}, text), ...more] : []));
    byId("map-message").hidden = !title;
  };

  map.load = async ({ keep = false } = {}) => {
    const number = (asked += 1);
    if (map.about.latest === null) {
      say("No map yet", "It appears once the first iteration has ranked the pool, while the loop runs.");
      return;
    }
    describeIterations();
    if (!keep) { map.pool = null; taken = null; say("Reading the pool…", ""); }
    try {
      const answer = await review.ask(`/campaigns/${encodeURIComponent(map.about.name)}/iterations/${map.iteration()}/map`);
      if (number !== asked || !map.isShown()) return;
      if (keep && isSame(answer)) return;
      take(answer);
      colourAll();
      describe();
      if (!answer.n_placed) {
        say("No features of this pool are known yet", "The map shows where materials lie by their features. They follow materials by "
          + "themselves while the loop runs; an admin may also launch the job \"features\" on the page of runs.",
        h("a", { href: "/runs" }, "Runs"));
        return;
      }
      say("");
      map.lookAt({ anew: !keep });
      map.choose();
      map.canvas().dataset.drawn = String(answer.n_placed);
    } catch (error) {
      if (number !== asked || !map.isShown()) return;
      if (keep && map.pool) return; // what is shown stays; the band says that nobody answers
      const again = error.status === 404 ? "" : h("button", { type: "button", class: "primary", onclick: () => map.load() }, "Try again");
      say(error.unreachable ? "The server does not answer" : "There is no map of this iteration", `${error.message} ${error.remedy || ""}`, again);
    }
  };

  // What changed elsewhere: some candidates are looked up, of many all is read anew.
  const renew = async (changed) => {
    if (!map.pool || !changed) { map.load({ keep: Boolean(map.pool) }); return; }
    try {
      const pages = await Promise.all(changed.map((material) => review.ask(`/candidates?${new URLSearchParams(
        { campaign: map.about.name, material, sort: "-iteration", limit: 20 })}`)));
      for (const page of pages) {
        const row = page.items.find((each) => each.status !== "ranked") || page.items[0];
        const place = row && map.placeOf.get(row.material_id);
        if (place === undefined) continue;
        map.pool.status[place] = map.pool.statuses.indexOf(row.hit ? "hit" : row.status);
        map.pool.candidates[place] = row.candidate_id;
      }
      colourAll();
      describe();
      map.draw();
      map.describeChosen();
    } catch {
      // it is asked again with the next change
    }
  };

  document.addEventListener("change", (event) => {
    if (event.target.id === "map-colour") {
      map.change({ colour: event.target.value === "status" ? null : event.target.value });
      colourAll(); describe(); map.draw();
    } else if (event.target.id === "map-iteration") {
      map.change({ iteration: Number(event.target.value) === map.about.latest ? null : event.target.value, around: null, point: null });
      map.load();
    }
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("#theme") && map.isShown() && map.pool) { colourAll(); describe(); map.draw(); }
  });

  // ---- What changes elsewhere ----------------------------------------------------------------------
  const SETTLED_MS = 400;
  const MOST_LOOKED_UP = 12;
  let materials = new Set();
  let isAll = false;
  let gathering = null;
  const settle = () => {
    const some = isAll || materials.size > MOST_LOOKED_UP ? null : [...materials];
    [materials, isAll, gathering] = [new Set(), false, null];
    review.store("changed", Date.now());
    if (map.isShown()) renew(some);
  };
  const takeChange = (kind, data) => {
    if (data.material_id) materials.add(data.material_id);
    else if (kind === "reset" || kind === "fresh") isAll = true;
    if (!gathering) gathering = setTimeout(settle, SETTLED_MS);
  };

  Object.assign(window.dash_clientside.review, {
    followMap: (about) => review.live.follow(about ? { key: `map ${about.name}`, campaign: about.name, take: takeChange } : null),
    takeMap: (about) => {
      if (!about || !map.canvas()) return Date.now();
      const isFirst = !map.canvas().dataset.filled;
      map.canvas().dataset.filled = "true";
      const before = map.about && map.about.latest;
      map.about = about;
      if (isFirst) {
        review.state.about = null; // the grid of another page is gone
        review.table.grid = null;
        map.leave();
        map.points = null;
        read();
        map.load();
      } else if (before !== about.latest && !map.params.get("iteration")) {
        if (before === null) map.load();
        else map.change({ iteration: before }); // who looks at one goes on looking at it
      }
      return Date.now();
    },
  });
})();
