// A campaign in the making: form and file are two views of one document, which the API previews after each change.
(() => {
  const { review } = window;
  const { h, byId } = review;
  const DRAFT = "catalyst.draft";
  const PAUSE_MS = 350;
  const FRESH = {
    name: "", pool: {}, criteria: [{}], method: "", validator: "laboratory", review: "manual", initial_batch: 20,
    acquisition: { batch_size: 25 }, stop: {},
  };
  let goal = null; // what is being made: {document, mode, of}
  let choices = null;
  let touched = new Set();
  let asked = null;
  let timer = null;

  // ---- The document ------------------------------------------------------------------------------
  const get = (path) => path.split(".").reduce((part, name) => (part === undefined || part === null ? undefined : part[name]), goal.document);
  const put = (path, value) => {
    const names = path.split(".");
    const last = names.pop();
    let part = goal.document;
    for (const name of names) part = part[name] = part[name] && typeof part[name] === "object" ? part[name] : {};
    if (value === undefined || value === "" || (Array.isArray(value) && !value.length)) delete part[last];
    else part[last] = value;
  };
  const isEmpty = (value) => value === "" || value === null || value === undefined || (typeof value === "object" && !Object.keys(value).length);
  // What is sent: without rows and parts that nothing was written into.
  const written = (value = goal.document) => {
    if (Array.isArray(value)) return value.map((each) => written(each)).filter((each) => !isEmpty(each));
    if (!value || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, written(each)]).filter(([, each]) => !isEmpty(each)));
  };
  const parse = { number: (text) => (text === "" ? undefined : Number(text)), text: (text) => text.trim(), choice: (text) => text,
    elements: (text) => text.split(/[\s,;]+/).filter(Boolean) };
  const shown = (value) => (value === undefined || value === null ? "" : Array.isArray(value) ? value.join(" ") : String(value));

  // ---- The form ----------------------------------------------------------------------------------
  const control = (path) => byId(`goal-${path}`);
  const fields = () => [...document.querySelectorAll("#goal-form [data-field]")];
  const option = (value, text, more = {}) => h("option", { value, ...more }, text);
  const propertyOptions = (none) => [option("", none), ...choices.properties.map((each) =>
    option(each.name, `${each.label} (${each.unit})${each.methods.length ? "" : " · nothing known here"}`, { title: each.description }))];
  const about = (name) => choices.properties.find((each) => each.name === name);

  const makeControls = () => {
    for (const field of fields().filter((each) => each.dataset.holds)) {
      const place = field.querySelector(".control-place");
      const { type, placeholder, step } = place.dataset;
      const id = `goal-${field.dataset.field}`;
      place.replaceChildren(type === "choice" ? h("select", { id })
        : h("input", { id, type, placeholder: placeholder || null, step: type === "number" ? step : null, autocomplete: "off" }));
    }
    byId("goal-yaml-place").replaceChildren(h("textarea", { id: "goal-yaml", rows: 16, spellcheck: "false" }));
  };

  const fillChoices = () => {
    const known = new Set(choices.properties.flatMap((each) => each.methods));
    const methods = [...choices.methods].sort((a, b) => known.has(b.name) - known.has(a.name));
    const lists = {
      method: [option("", "Choose…"), ...methods.map((each) =>
        option(each.name, known.has(each.name) ? `${each.name} · values known here` : each.name, { title: each.description }))],
      "objective.property": propertyOptions("Nothing"),
      "objective.direction": [option("maximize", "as high as it goes"), option("minimize", "as low as it goes")],
      validator: choices.validators.map((each) => option(each.name, review.title(each.label) +
        (each.unavailable ? " · not set up here" : ""), { title: each.unavailable || each.description, disabled: Boolean(each.unavailable) })),
      review: [option("manual", "People flag candidates"), option("automatic", "Every suggestion goes to validation")],
      "acquisition.strategy": [],
    };
    for (const [path, options] of Object.entries(lists)) {
      control(path).replaceChildren(...options);
    }
    byId("goal-sources").replaceChildren(...choices.sources.map((each) => h("label", { class: "source" },
      h("input", { type: "checkbox", value: each.name, "data-source": true }), ` ${each.name} `,
      h("span", { class: "soft" }, review.count(each.materials, "material")))),
    ...(choices.sources.length ? [] : [h("p", { class: "soft" }, "Nothing is ingested yet: `catalyst ingest` loads a source.")]));
  };

  const fillStrategies = () => {
    const { criteria = [], objective } = goal.document;
    const hasCriteria = criteria.some((each) => !isEmpty(each));
    const hasObjective = Boolean(objective && objective.property);
    const suits = (each) => (hasObjective ? each.sees_objective : true) && (hasCriteria || hasObjective ? each.sees_criteria || (hasCriteria && hasObjective) : true);
    const list = control("acquisition.strategy");
    list.replaceChildren(option("", "By default"), ...choices.strategies.filter(suits).map((each) => option(each.name, review.title(each.name))));
    const chosen = get("acquisition.strategy");
    if (chosen && ![...list.options].some((each) => each.value === chosen)) list.append(option(chosen, `${review.title(chosen)} · does not suit`));
    list.value = chosen || "";
  };

  const bound = (each, index) => {
    const path = `criteria.${index}`;
    const remove = h("button", { type: "button", class: "quiet icon", "data-remove": index, "aria-label": `Remove criterion ${index + 1}` }, "×");
    if (each.any_of) {
      const said = each.any_of.map((branch) => branch.map(words).join(" and ")).join("; or ");
      return h("div", { class: "criterion", "data-field": path }, h("span", { class: "any-of" }, said, h("span", { class: "soft" }, " · change it in the file")),
        remove, h("div", { class: "field-error" }));
    }
    const property = h("select", { "data-bound": "property", "data-index": index, "aria-label": `Property of criterion ${index + 1}` }, ...propertyOptions("Property…"));
    property.value = each.property || "";
    if (each.property && property.value !== each.property) { property.append(option(each.property, each.property)); property.value = each.property; }
    const known = about(each.property);
    const limit = (name, text) => h("input", { type: "number", step: "any", value: shown(each[name]), placeholder: text, "data-bound": name, "data-index": index,
      "aria-label": `${text} of criterion ${index + 1}` });
    return h("div", { class: "criterion", "data-field": path }, property, limit("min", "at least"), limit("max", "at most"),
      h("span", { class: "soft unit" }, known ? known.unit : ""), remove, h("div", { class: "field-error" }));
  };
  const words = ({ property, min, max }) => `${(about(property) || { label: property }).label} ${
    min === undefined || min === null ? `at most ${max}` : max === undefined || max === null ? `at least ${min}` : `between ${min} and ${max}`}`;

  const fillCriteria = () => byId("goal-criteria").replaceChildren(...(goal.document.criteria || []).map(bound));

  // What somebody is typing into stays.
  const setValue = (element, value) => { if (element && document.activeElement !== element) element.value = value; };

  const fill = () => {
    for (const field of fields().filter((each) => each.dataset.holds)) setValue(control(field.dataset.field), shown(get(field.dataset.field)));
    if (!get("objective.property")) control("objective.direction").value = "maximize";
    const chosen = [get("pool.source")].flat();
    for (const box of document.querySelectorAll("[data-source]")) box.checked = chosen.includes(box.value);
    fillStrategies();
    fillCriteria();
    lock();
  };

  const lock = () => {
    const isLocked = goal.mode === "change";
    for (const place of document.querySelectorAll("#goal-form [data-locked]"))
      for (const each of place.querySelectorAll("input, select, button")) each.disabled = isLocked || each.disabled && each.tagName === "OPTION";
    control("name").disabled = isLocked;
    if (!isLocked) control("objective.direction").disabled = !get("objective.property");
  };

  // ---- What it would mean ------------------------------------------------------------------------
  const later = () => { clearTimeout(timer); timer = setTimeout(() => preview(), PAUSE_MS); keep(); };

  const preview = async (file = null) => {
    if (asked) asked.abort();
    const controller = (asked = new AbortController());
    byId("goal-counts").classList.add("asking");
    try {
      const answer = await review.ask("/campaign-preview", {
        method: "POST", signal: controller.signal,
        headers: { "Content-Type": file === null ? "application/json" : "application/yaml" },
        body: file === null ? JSON.stringify(written()) : file,
      });
      if (asked !== controller || !byId("goal-form")) return;
      byId("goal-yaml-complaint").textContent = answer.unreadable;
      if (answer.unreadable) return;
      if (file === null) setValue(byId("goal-yaml"), answer.yaml);
      else { goal.document = answer.document; fill(); keep(); }
      tell(answer);
    } catch (error) {
      if (error.name === "AbortError" || asked !== controller || !byId("goal-form")) return;
      byId("goal-said").textContent = error.unreachable
        ? "It cannot be counted now: the server does not answer. What you typed is kept in this browser."
        : `It cannot be counted now: ${error.message}`;
    } finally {
      if (asked === controller && byId("goal-counts")) byId("goal-counts").classList.remove("asking");
    }
  };

  const pair = (name, value, note) => h("div", {}, h("dt", {}, name), h("dd", { class: "value" }, value), h("dd", { class: "soft small" }, note));
  const number = (n) => n.toLocaleString("en");

  const tell = ({ pool, errors, is_valid: isValid, exists }) => {
    const counts = [];
    if (!pool) counts.push(pair("Pool", "–", "name a source or a filter"));
    else {
      const of = pool.is_estimate ? `of ${number(pool.looked_at)} looked at` : "of them";
      const without = Object.entries(pool.left_out).map(([what, n]) => `; ${number(n)} without ${what} left out`);
      counts.push(pair("Pool", number(pool.size), (pool.size === 1 ? "material" : "materials") + without.join("")));
      counts.push(pair("Known", pool.known === null ? "–" : number(pool.known), pool.known === null ? "name the goal" : `${of}, by ${goal.document.method || "no method"}`));
      counts.push(pair("Would be hits", pool.hits === null ? "–" : number(pool.hits), pool.hits === null ? "needs criteria" : "of the known ones"));
    }
    byId("goal-counts").replaceChildren(...counts);
    byId("goal-said").textContent = !pool || pool.known === null ? ""
      : pool.known === 0 ? "Nothing is known of what the goal names: how many hits there are is for the campaign to find. A table of answers stays hidden."
      : pool.hits === null ? ""
      : `${pool.is_estimate ? "An estimate by a sample: about " : ""}${Math.round((100 * pool.hits) / pool.known)} % of what is known meets the goal${
        pool.is_estimate ? `, ${number(Math.round((pool.hits / pool.looked_at) * pool.size))} in the pool` : ""}. What is known is no fair sample of the rest.`;
    complain(errors);
    const is = goal.mode === "change" ? "Save changes" : exists ? (exists === "finished" ? "Resume" : "Save changes") : "Start";
    byId("goal-start").textContent = is;
    byId("goal-start").dataset.valid = String(isValid);
    byId("goal-about").textContent = goal.mode === "change"
      ? "Once a campaign has started, its stop rules, acquisition, review, refresh, validation, failures and description may change, nothing else."
      : exists ? `There is a campaign of that name (${exists}): this would change it. Choose another name for a new one.` : "";
    byId("goal-draft").hidden = !goal.isKept;
  };

  // A field as the form calls it; what the form has no control for as the file does.
  const labelOf = (path) => {
    const criterion = /^criteria\.(\d+)/.exec(path);
    if (criterion) return `Criterion ${Number(criterion[1]) + 1}`;
    const label = fields().find((each) => each.dataset.field === path)?.querySelector("label");
    return label ? label.textContent : path ? review.title(path) : "The goal";
  };

  const complain = (errors) => {
    const left = [...errors];
    for (const field of fields()) {
      const path = field.dataset.field;
      const mine = errors.filter((each) => each.field === path || each.field.startsWith(`${path}.`));
      const isSeen = mine.length && [...touched].some((each) => each === path || each.startsWith(`${path}.`));
      field.querySelector(".field-error").textContent = isSeen ? mine.map((each) => each.message).join("; ") : "";
      for (const each of field.querySelectorAll("input, select")) if (isSeen) each.setAttribute("aria-invalid", "true"); else each.removeAttribute("aria-invalid");
    }
    byId("goal-errors").replaceChildren(...left.slice(0, 8).map((each) => h("li", {},
      h("button", { type: "button", class: "link", "data-goes-to": each.field }, labelOf(each.field)), ` ${each.message}`)));
  };

  // ---- Checking and starting -----------------------------------------------------------------------
  const answer = (kind, ...told) => byId("goal-answer").replaceChildren(h("div", { class: `message ${kind}` }, ...told));

  const ask = async (dryRun) => {
    fields().forEach((field) => touched.add(field.dataset.field));
    await preview();
    if (byId("goal-start").dataset.valid !== "true") {
      answer("problem", "Something is missing or wrong: see the list above.");
      const [first] = byId("goal-errors").querySelectorAll("button");
      if (first) first.click();
      return;
    }
    const buttons = [byId("goal-check"), byId("goal-start")];
    buttons.forEach((each) => { each.disabled = true; });
    goal.key = goal.key || review.newKey();
    answer("done", dryRun ? "The loop looks whether this installation can run it…" : "Asked. The loop starts it within seconds…");
    try {
      let request = await review.ask(`/campaigns${dryRun ? "?dry_run=true" : ""}`, {
        method: "POST", headers: { "Content-Type": "application/json", "Idempotency-Key": goal.key }, body: JSON.stringify(written()),
      });
      goal.key = null;
      while (request.status === "waiting") {
        await new Promise((done) => setTimeout(done, 700));
        if (!byId("goal-answer")) return;
        request = await review.ask(`/campaign-requests/${request.request_id}`);
        if (request.remedy && request.status === "waiting") answer("warning", h("strong", {}, "It waits for the loop. "), request.remedy);
      }
      finish(request, dryRun);
    } catch (error) {
      if (!error.unreachable) goal.key = null;
      answer("problem", error.unreachable ? "The server does not answer. Nothing is lost: ask again once it does; it is not done twice."
        : `${error.message} ${error.remedy || ""}`);
    } finally {
      buttons.forEach((each) => { each.disabled = false; });
    }
  };

  const finish = (request, dryRun) => {
    const home = request.details && request.details.home;
    const facts = home ? h("ul", {},
      h("li", {}, `${number(home.pool_size)} in the pool, ${number(home.with_features)} with features`),
      ...Object.entries(home.labels).map(([name, n]) => h("li", {}, `${number(n)} known values of ${(about(name) || { label: name }).label}`)),
      home.answerable === null ? null : h("li", {}, `${number(home.answerable)} that the table answers`),
      ...home.remarks.map((text) => h("li", {}, text))) : null;
    answer(request.status === "done" ? "done" : "problem", h("strong", {}, request.answer), request.remedy ? ` ${request.remedy}` : "", facts);
    if (request.status !== "done" || dryRun) return;
    if (goal.mode === "new") localStorage.removeItem(DRAFT);
    review.notify(request.answer);
    review.go(`/campaigns/${encodeURIComponent(request.campaign)}/progress`);
  };

  // ---- Drafts ----------------------------------------------------------------------------------------
  const keep = () => {
    goal.key = null; // another campaign than the one that was asked for
    if (goal.mode === "new") localStorage.setItem(DRAFT, JSON.stringify(goal.document));
  };
  const draft = () => { try { return JSON.parse(localStorage.getItem(DRAFT)); } catch { return null; } };

  const begin = async () => {
    const query = new URLSearchParams(location.search);
    const mode = query.get("change") ? "change" : query.get("copy") ? "copy" : "new";
    const of = query.get("change") || query.get("copy");
    const kept = mode === "new" ? draft() : null;
    goal = { mode, of, document: kept || structuredClone(FRESH), isKept: Boolean(kept) };
    touched = new Set();
    byId("goal-title").textContent = mode === "change" ? `Change ${of}` : mode === "copy" ? `Copy of ${of}` : "New campaign";
    try {
      choices = await review.ask("/campaign-choices");
      if (of) {
        const { document: copied } = await review.ask(`/campaigns/${encodeURIComponent(of)}`);
        goal.document = mode === "copy" ? { ...copied, name: await freeName(of) } : copied;
      }
    } catch (error) {
      answer("problem", `${error.message} ${error.remedy || "Load the page again once it does."}`);
      if (!choices) return;
    }
    if (!byId("goal-form")) return;
    makeControls();
    fillChoices();
    fill();
    preview();
  };

  const freeName = async (name) => {
    const taken = new Set((await review.ask("/campaigns")).items.map((each) => each.name));
    const stem = name.replace(/-\d+$/, "").slice(0, 55);
    for (let n = 2; ; n += 1) if (!taken.has(`${stem}-${n}`)) return `${stem}-${n}`;
  };

  // ---- Typing ----------------------------------------------------------------------------------------
  const change = (event) => {
    const place = event.target.closest("#goal-form");
    if (!goal || !choices) return;
    if (event.target.id === "goal-yaml") {
      clearTimeout(timer);
      timer = setTimeout(() => preview(event.target.value), PAUSE_MS);
      return;
    }
    if (!place) return;
    if (event.target.dataset.source !== undefined) {
      const all = [...document.querySelectorAll("[data-source]:checked")].map((each) => each.value);
      put("pool.source", all.length > 1 ? all : all[0]);
    } else if (event.target.dataset.bound) {
      const { bound: name, index } = event.target.dataset;
      const criterion = goal.document.criteria[index];
      const value = name === "property" ? event.target.value : parse.number(event.target.value);
      if (value === undefined || value === "") delete criterion[name]; else criterion[name] = value;
      touched.add(`criteria.${index}`);
      if (name === "property") { fillCriteria(); fillStrategies(); }
    } else {
      const field = event.target.closest("[data-field]");
      put(field.dataset.field, parse[field.dataset.holds](event.target.value));
      if (event.type === "change") touched.add(field.dataset.field);
      if (field.dataset.field === "objective.property") {
        if (get("objective.property")) put("objective.direction", get("objective.direction") || "maximize");
        else delete goal.document.objective;
        control("objective.direction").disabled = !get("objective.property");
        setValue(control("objective.direction"), get("objective.direction") || "maximize");
        fillStrategies();
      }
    }
    later();
  };
  document.addEventListener("input", change);
  document.addEventListener("change", change);

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("#goal-add, #goal-afresh, #goal-check, #goal-start, #goal-copy, [data-remove], [data-goes-to]");
    if (!button || button.disabled || !goal) return;
    if (button.id === "goal-add") {
      goal.document.criteria = [...(goal.document.criteria || []), {}];
      fillCriteria();
      byId("goal-criteria").lastChild.querySelector("select").focus();
    } else if (button.dataset.remove) {
      goal.document.criteria.splice(Number(button.dataset.remove), 1);
      fillCriteria();
      fillStrategies();
      later();
    } else if (button.dataset.goesTo !== undefined) {
      const wanted = button.dataset.goesTo;
      const field = fields().find((each) => wanted === each.dataset.field || wanted.startsWith(`${each.dataset.field}.`))
        || fields().find((each) => each.dataset.field.startsWith(`${wanted}.`));
      const target = field ? field.querySelector("input, select") : byId("goal-yaml");
      if (target) { target.scrollIntoView({ block: "center" }); target.focus(); }
    } else if (button.id === "goal-afresh") {
      localStorage.removeItem(DRAFT);
      byId("goal-answer").replaceChildren();
      begin();
    } else if (button.id === "goal-copy") {
      try {
        await navigator.clipboard.writeText(byId("goal-yaml").value);
        review.notify("The file is copied.");
      } catch {
        byId("goal-yaml").select();
      }
    } else await ask(button.id === "goal-check");
  });

  review.onReachable((isReachable) => { if (isReachable && goal && byId("goal-form")) { if (choices) preview(); else begin(); } });

  Object.assign(window.dash_clientside.review, {
    makeGoal: () => {
      review.live.follow({ key: "a goal in the making", campaign: null, take: () => null });
      begin();
      return Date.now();
    },
  });
})();
