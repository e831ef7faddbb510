// Ranking an iteration again by another strategy or weight, in the grid itself; and candidates side by side.
(() => {
  const { review } = window;
  const { state, byId, h } = review;
  const LIMIT = 1000;
  const rerank = (review.rerank = {});
  let kept = { key: null, answer: null };
  let shown = null;

  // What the API ranks again, asked once for all blocks of the grid.
  rerank.read = async () => {
    const query = new URLSearchParams({ limit: LIMIT });
    if (state.get("strategy")) query.set("strategy", state.get("strategy"));
    if (state.get("weight")) query.set("exploration_weight", state.get("weight"));
    const key = `${state.iteration()} ${query}`;
    if (kept.key !== key) {
      const path = `/campaigns/${encodeURIComponent(state.about.name)}/iterations/${state.iteration()}/rerank?${query}`;
      byId("rerank-told").textContent = "Ranking…";
      const answer = review.ask(path);
      kept = { key, answer };
      answer.catch(() => { kept = { key: null, answer: null }; });
    }
    try {
      shown = await kept.answer;
    } catch (error) {
      byId("rerank-told").textContent = "";
      throw error;
    }
    describeAnswer();
    return shown;
  };

  const describeAnswer = () => {
    const listed = shown.items.filter((item) => item.recorded_rank !== null).length;
    byId("rerank-strategy").replaceChildren(...shown.strategies.map(({ name }) =>
      h("option", { value: name, selected: name === shown.strategy }, review.title(name))));
    byId("rerank-strategy").value = shown.strategy;
    const explores = (shown.strategies.find(({ name }) => name === shown.strategy) || { explores: true }).explores;
    byId("rerank-weight").disabled = !explores;
    if (document.activeElement !== byId("rerank-weight")) byId("rerank-weight").value = shown.exploration_weight;
    byId("rerank-weight-told").textContent = Number(byId("rerank-weight").value).toFixed(2);
    byId("rerank-told").title = byId("rerank-told").textContent = `${listed} of the best ${shown.items.length} are on the recorded list `
      + `(${review.words(shown.recorded_strategy)} at ${shown.recorded_exploration_weight}); chosen among `
      + `${shown.choices.toLocaleString("en")}.${shown.by_score_alone ? " By scores alone, without diversity." : ""}`;
  };

  rerank.describe = () => {
    if (!byId("rerank")) return;
    const isOn = state.reranks();
    byId("rerank").hidden = !isOn;
    byId("rerank-open").setAttribute("aria-pressed", String(isOn));
    byId("rerank-open").disabled = state.iteration() === null;
    byId("rerank-open").title = state.iteration() === null ? "Choose a single iteration to rank it again" : "";
  };

  const leave = () => state.change({ strategy: null, weight: null });

  let sliding = null;
  document.addEventListener("click", (event) => {
    if (event.target.closest("#rerank-open")) {
      if (state.reranks()) leave();
      else {
        const recorded = state.about.iterations.find((each) => each.number === state.iteration());
        state.change({ strategy: recorded.strategy, weight: String(recorded.weight), sort: null });
      }
    } else if (event.target.closest("#rerank-close")) leave();
  });
  document.addEventListener("input", (event) => {
    if (event.target.id !== "rerank-weight") return;
    byId("rerank-weight-told").textContent = Number(event.target.value).toFixed(2);
    clearTimeout(sliding);
    sliding = setTimeout(() => state.change({ weight: event.target.value }), 120);
  });
  document.addEventListener("change", (event) => {
    if (event.target.id === "rerank-strategy") state.change({ strategy: event.target.value });
  });

  // ---- Side by side ----------------------------------------------------------------------------
  review.compare = (numbers) => {
    const chosen = numbers || review.table.rows().map((row) => row.candidate_id);
    if (chosen.length < 2 || chosen.length > 4) {
      review.notify("Select two to four candidates to compare them.");
      return;
    }
    state.change({ compare: chosen.join(",") }, { rows: false });
    review.store("compared", chosen);
    byId("compare-dialog").showModal();
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("#compare")) review.compare();
  });
  document.addEventListener("close", (event) => {
    if (event.target.id === "compare-dialog") state.change({ compare: null }, { rows: false });
  }, true);
})();
