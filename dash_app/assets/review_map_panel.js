// What is chosen on the map: its values in words, the way to the candidate or material, and deciding about all of it.
(() => {
  const { review } = window;
  const { byId, h, map } = review;
  const SHOWN = 40;
  const MOST = 1000; // candidates that the grid is led to, or that are decided about together

  const number = (value) => (Number.isNaN(value) ? "\u2013" : review.decimals(value));
  const standing = (i) => map.pool.statuses[map.pool.status[i]];
  const title = (i) => ({ unlisted: "Not listed", hit: "Hit" })[standing(i)] || review.title(standing(i));

  // What is told of one material: the pointer's box and the panel alike.
  map.tell = (i) => {
    const { pool } = map;
    const facts = pool.properties.map((each) => [each.label || review.title(each.name),
      `${review.plusMinus(each.mean[i], each.std[i])} ${each.unit}`]);
    if (!Number.isNaN(pool.score[i])) facts.push(["Score", number(pool.score[i])]);
    if (map.about.has_criteria && !Number.isNaN(pool.feasibility[i])) facts.push(["Chance of a hit", review.percent(pool.feasibility[i])]);
    const far = pool.far !== null && pool.distance[i] > pool.far ? " (far)" : "";
    if (!Number.isNaN(pool.distance[i])) facts.push(["Distance", `${pool.distance[i].toFixed(2)} × typical${far}`]);
    return [h("strong", {}, ...review.formula(pool.formulas[i])), " ", h("span", { class: "soft" }, pool.material_ids[i]),
      h("div", {}, h("span", { class: `badge badge-${standing(i) === "hit" ? "validated" : standing(i)}` }, title(i))),
      h("dl", { class: "pairs" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))))];
  };

  const campaign = () => `/campaigns/${encodeURIComponent(map.about.name)}`;
  const candidatesOf = (places) => places.filter((i) => map.pool.candidates[i] > 0);

  const link = (i) => {
    const number_ = map.pool.candidates[i];
    return number_ > 0
      ? h("a", { href: `${campaign()}?iteration=all&candidate=${number_}&material=${encodeURIComponent(map.pool.material_ids[i])}` }, "Open candidate")
      : h("span", { class: "soft" }, "The ranking did not list it.");
  };

  // The best first: by score where they have one, else by what they are coloured by.
  const bestFirst = (places) => {
    const { score } = map.pool;
    const worth = (i) => (Number.isNaN(score[i]) ? -Infinity : score[i]);
    return places.slice().sort((a, b) => worth(b) - worth(a));
  };

  const several = (places) => {
    const listed = candidatesOf(places);
    const some = bestFirst(places).slice(0, SHOWN);
    const over = listed.length > MOST ? ` The best ${MOST.toLocaleString("en")} by score are meant.` : "";
    const acts = [
      h("button", { type: "button", class: "primary decide", id: "map-flag", disabled: !listed.length }, "Flag…"),
      h("button", { type: "button", class: "danger decide", id: "map-reject", disabled: !listed.length }, "Reject…"),
      listed.length ? h("a", { class: "button", id: "map-grid", href: gridAddress(listed) }, "Show in the grid") : null,
    ];
    return [
      h("h2", {}, `${review.count(places.length, "material")} selected`),
      h("p", { class: "soft" }, `${review.count(listed.length, "candidate")} among them.${over}`),
      h("div", { class: "actions" }, ...acts.filter(Boolean)),
      h("ol", { class: "map-list" }, some.map((i) => h("li", {},
        h("button", { type: "button", class: "link", "data-place": i }, ...review.formula(map.pool.formulas[i])),
        h("span", { class: "soft" }, title(i))))),
      places.length > SHOWN ? h("p", { class: "soft small" }, `and ${(places.length - SHOWN).toLocaleString("en")} more`) : null,
    ].filter(Boolean);
  };

  const gridAddress = (listed) => {
    const numbers = bestFirst(listed).slice(0, MOST).map((i) => map.pool.candidates[i]).sort((a, b) => a - b);
    return `${campaign()}?iteration=all&candidates=${numbers.join(",")}`;
  };

  map.describeChosen = () => {
    const { chosen } = map;
    const panel = byId("map-panel");
    if (!panel) return;
    panel.hidden = !chosen.length;
    byId("map-clear").hidden = !chosen.length;
    byId("map-selection").textContent = chosen.length > 1 ? `${chosen.length.toLocaleString("en")} selected` : "";
    if (!chosen.length) return;
    byId("map-chosen").replaceChildren(...(chosen.length === 1
      ? [...map.tell(chosen[0]), h("p", { class: "map-links" }, link(chosen[0]),
        h("a", { href: `/materials/${encodeURIComponent(map.pool.material_ids[chosen[0]])}` }, "Open material"))]
      : several(chosen)));
  };

  // Decides about what is chosen as it stands now: the API knows versions that the map does not.
  const decide = async (verb) => {
    const numbers = bestFirst(candidatesOf(map.chosen)).slice(0, MOST).map((i) => map.pool.candidates[i]);
    try {
      const query = new URLSearchParams({ campaign: map.about.name, candidates: numbers.join(","), limit: MOST });
      const rows = (await review.ask(`/candidates?${query}`)).items;
      const open = verb === "flag" ? rows.filter((row) => row.status === "ranked") : rows.filter((row) => ["ranked", "flagged"].includes(row.status));
      if (!open.length) {
        review.notify(`None of these can be ${verb === "flag" ? "flagged" : "rejected"} here: they were decided already.`, { kind: "problem" });
        return;
      }
      if (open.length < rows.length) review.notify(`${review.count(rows.length - open.length, "candidate")} of the selection ${rows.length - open.length === 1 ? "was" : "were"} decided already.`);
      review.decide.open(verb, open);
    } catch (error) {
      review.notify(`${error.message} ${error.remedy || ""}`, { kind: "problem" });
    }
  };

  document.addEventListener("click", (event) => {
    if (!map.isShown()) return;
    const one = event.target.closest("[data-place]");
    if (one) { map.change({ point: map.pool.material_ids[one.dataset.place], around: null }); map.forgetLine(); map.choose(); map.draw(); }
    else if (event.target.closest("#map-flag")) decide("flag");
    else if (event.target.closest("#map-reject")) decide("reject");
    else if (event.target.closest("#map-close")) map.clear();
  });
})();
