// Deciding about candidates: one dialog, one request for all of them, and nothing lost where it is refused or not answered.
(() => {
  const { review } = window;
  const { h, byId, table, who } = review;
  const DONE = { flag: "flagged for validation", reject: "rejected", restore: "restored", start: "in validation now",
    return: "given back" };
  const TITLES = { start: "Start validation of", return: "Give back" };
  const BUTTONS = { start: "Start", return: "Give back" };
  const WHY = {
    flag: "They go to validation. A reason is kept in the history, if there is something to say.",
    reject: "They leave the loop. Kind and reason stay in the history.",
    restore: "They are ranked again, and may be flagged or suggested in a later iteration.",
    start: "Somebody begins to make or measure them.",
    return: "They are flagged again, so that somebody else may take them. What was tried and failed is a result instead.",
  };
  const NEEDS_REASON = ["reject", "restore", "return"];
  const UNSENT = "catalyst.unsent";
  const MOST = 1000;
  const decide = (review.decide = {});
  let verb = null;
  let about = [];

  const chosen = () => {
    const rows = table.rows();
    if (rows.length) return rows;
    const node = table.current();
    return node && node.data.candidate_id ? [node.data] : [];
  };

  decide.describe = () => {
    const rows = table.rows();
    const place = byId("selection-count");
    if (!place) return;
    place.textContent = rows.length ? `${rows.length} selected` : "";
    if (!byId("flag")) { review.board.describeMoves(); return; }
    const isRestorable = rows.length && rows.every((row) => ["withdrawn", "failed"].includes(row.rejection_kind));
    const meant = chosen();
    const whom = meant.length > 1 ? review.count(meant.length, "candidate") : meant.length ? meant[0].formula : "";
    for (const [id, key] of [["flag", "f"], ["reject", "r"]]) {
      byId(id).disabled = !meant.length;
      byId(id).title = meant.length ? `${review.title(id)} ${whom} (${key})` : "Tick candidates, or go to one (j, k)";
    }
    byId("restore").hidden = !isRestorable;
    byId("compare").disabled = rows.length < 2 || rows.length > 4;
  };

  // Which kinds of rejection can be true of all of these, and why the others cannot.
  const impossible = {
    poor: (row) => !(row.validated || []).some((each) => each.value !== null) && "nothing was measured",
    failed: (row) => ["ranked", "flagged"].includes(row.status) && "it was not sent to validation",
  };

  // Asks about `given` rows, or about those that are chosen in the grid.
  decide.open = (what, given = null) => {
    if (document.documentElement.querySelector("#frame.right-read")) {
      review.notify("Deciding is for reviewers and admins.", { kind: "problem" });
      return;
    }
    const rows = given || chosen();
    if (!rows.length) { review.notify("Choose a candidate first: click its box, or press j."); return; }
    if (rows.length > MOST) {
      review.notify(`${review.count(rows.length, "candidate")} are selected: decide about ${MOST} at a time.`, { kind: "problem" });
      return;
    }
    const isAnother = verb !== what;
    verb = what;
    about = rows;
    byId("decide-title").replaceChildren((TITLES[what] || review.title(what)) + " ",
      ...(rows.length === 1 ? review.formula(rows[0].formula) : [review.count(rows.length, "candidate")]));
    byId("decide-who").replaceChildren(...(rows.length === 1 ? [] : rows.slice(0, 12).flatMap((row, i) =>
      [i ? ", " : "", ...review.formula(row.formula)])), rows.length > 12 ? ` and ${rows.length - 12} more` : "");
    byId("decide-why").textContent = WHY[what];
    byId("decide-reason").labels[0].textContent = NEEDS_REASON.includes(what) ? "Reason" : "Reason (optional)";
    byId("decide-kinds").hidden = what !== "reject";
    for (const box of byId("decide-kinds").querySelectorAll("button")) {
      const why = impossible[box.dataset.kind] && rows.map(impossible[box.dataset.kind]).find(Boolean);
      box.disabled = Boolean(why);
      box.querySelector(".why-not").textContent = why ? `Not now: ${why}.` : "";
      if (isAnother || box.disabled) box.setAttribute("aria-checked", "false");
    }
    byId("decide-confirm").textContent = BUTTONS[what] || review.title(what);
    byId("decide-confirm").className = what === "reject" ? "danger solid" : "primary";
    complain();
    if (isAnother) byId("decide-reason").value = "";
    byId("decide").showModal();
    (what === "reject" ? byId("decide-kinds").querySelector("button:not(:disabled)") : byId("decide-reason")).focus();
  };

  // About one that is read about, whichever are ticked in the grid.
  const openOne = async (what, id) => {
    const node = table.grid && !table.grid.isDestroyed() && table.grid.getRowNode(id);
    const row = (node && node.data) || (await review.live.look(id));
    if (row) decide.open(what, [row]);
    else review.notify("The server does not answer.", { kind: "problem" });
  };

  const complain = (...told) => byId("decide-complaint").replaceChildren(...told);

  const confirm = () => {
    const reason = byId("decide-reason").value.trim();
    const kind = byId("decide-kinds").querySelector("[aria-checked=true]");
    if (verb === "reject" && !kind) return complain("Say which kind: it decides what is learned from it.");
    if (NEEDS_REASON.includes(verb) && !reason) { byId("decide-reason").focus(); return complain("Say why: the reason is kept with the decision."); }
    const decisions = about.map((row) => ({
      candidate_id: row.candidate_id, decision: verb, reason, version: row.version,
      ...(verb === "reject" ? { kind: kind.dataset.kind } : {}),
    }));
    return send({ key: review.newKey(), by: who(), verb, decisions,
      formulas: Object.fromEntries(about.map((row) => [row.candidate_id, row.formula])) });
  };

  const post = (request) => review.ask("/candidates/decisions", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": request.key },
    body: JSON.stringify({ decisions: request.decisions, all_or_nothing: false }),
  });

  const send = async (request) => {
    const button = byId("decide-confirm");
    button.disabled = true;
    try {
      const answer = await post(request);
      const refused = took(request, answer);
      if (!refused.length) {
        byId("decide-reason").value = "";
        verb = null;
        byId("decide").close();
        return;
      }
      await explain(request, refused);
    } catch (error) {
      if (error.unreachable) {
        keep(request);
        byId("decide").close();
      } else complain(`${error.message} ${error.remedy || ""}`);
    } finally {
      button.disabled = false;
    }
  };

  // Shows what became of decisions that were answered; returns those that were refused.
  const took = (request, answer) => {
    const taken = answer.items.filter((item) => !item.refusal);
    if (taken.length) {
      const changed = taken.filter((item) => item.changed).length;
      const already = taken.length - changed;
      const parts = [];
      if (changed) parts.push(`${review.count(changed, "candidate")} ${DONE[request.verb]}`);
      if (already) parts.push(`${already} ${already === 1 ? "was" : "were"} ${DONE[request.verb]} already`);
      review.notify(`${parts.join(", ")}.`);
      table.patch(taken.map((item) => {
        const decision = request.decisions.find((each) => each.candidate_id === item.candidate_id);
        return { candidate_id: item.candidate_id, status: item.status, version: item.version,
          rejection_kind: item.status === "rejected" ? decision.kind || "withdrawn" : null };
      }));
      if (table.grid) table.grid.deselectAll();
      review.store("changed", Date.now());
      review.store("material-changed", Date.now());
    }
    return answer.items.filter((item) => item.refusal);
  };

  // Tells who decided otherwise meanwhile; what was typed stays, and may be sent with what is known now.
  const explain = async (request, refused) => {
    const now = await Promise.all(refused.slice(0, 50).map((item) => review.live.look(item.candidate_id)));
    table.patch(now.filter(Boolean));
    const sent = new Map(request.decisions.map((each) => [each.candidate_id, each.version]));
    const lines = refused.slice(0, 8).map((item) => h("li", {}, ...review.formula(request.formulas[item.candidate_id]), ": ",
      item.refusal.replace(/^candidate \d+ /i, "").replace(/:(\d\d) UTC/, " UTC") + ".",
      item.remedy && item.version === sent.get(item.candidate_id) ? ` ${item.remedy}` : ""));
    if (refused.length > 8) lines.push(h("li", {}, `and ${refused.length - 8} more`));
    const isStale = refused.some((item) => item.version !== null && item.version !== sent.get(item.candidate_id));
    complain(h("strong", {}, isStale
      ? `Somebody decided meanwhile, so that ${review.count(refused.length, "candidate")} stayed as ${refused.length === 1 ? "it is" : "they are"}:`
      : `${review.count(refused.length, "candidate")} stayed as ${refused.length === 1 ? "it is" : "they are"}:`),
      h("ul", {}, ...lines),
      isStale ? `You see now what they decided. ${BUTTONS[request.verb] || review.title(request.verb)} again to decide otherwise, or cancel.` : "");
    const rest = new Map(refused.map((item) => [item.candidate_id, item.version]));
    about = about.filter((row) => rest.has(row.candidate_id))
      .map((row) => ({ ...row, version: rest.get(row.candidate_id) || row.version }));
  };

  // ---- What could not be sent --------------------------------------------------------------------
  const unsent = () => { try { return JSON.parse(localStorage.getItem(UNSENT)) || []; } catch { return []; } };
  const write = (requests) => { localStorage.setItem(UNSENT, JSON.stringify(requests)); show(); };

  const keep = (request) => {
    write([...unsent(), request]);
    verb = null;
    byId("decide-reason").value = "";
  };

  const show = () => {
    const place = byId("unsent");
    if (!place) return;
    const mine = unsent().filter((request) => request.by === who());
    place.hidden = !mine.length;
    if (!mine.length) return;
    const said = mine.map((request) => `${(BUTTONS[request.verb] || request.verb).toLowerCase()} ${request.decisions.length === 1
      ? request.formulas[request.decisions[0].candidate_id] : review.count(request.decisions.length, "candidate")}`);
    place.replaceChildren(h("strong", {}, `Not sent yet: ${said.join("; ")}.`),
      " The server did not answer. It is kept in this browser and sent as soon as it answers.",
      h("button", { type: "button", class: "link", onclick: decide.flush }, "Send now"),
      h("button", { type: "button", class: "link", onclick: () => write(unsent().filter((one) => one.by !== who())) }, "Discard"));
  };
  decide.showUnsent = show;

  let isFlushing = false;
  decide.flush = async () => {
    if (isFlushing || !who()) return;
    isFlushing = true;
    try {
      for (const request of unsent().filter((each) => each.by === who())) {
        let refused;
        try {
          refused = took(request, await post(request));
        } catch (error) {
          if (error.unreachable || error.status === 503 || error.status === 401) return;
          refused = request.decisions.map((each) => ({ candidate_id: each.candidate_id, refusal: error.message }));
        }
        write(unsent().filter((each) => each.key !== request.key));
        for (const item of refused)
          review.notify([...review.formula(request.formulas[item.candidate_id]), ": ",
            item.refusal.replace(/^candidate \d+ /i, "") + ". It was not decided as you asked while the server was away."],
          { kind: "problem", seconds: 0 });
      }
    } finally {
      isFlushing = false;
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("#flag, #reject, #restore, #decide-confirm, [data-kind], [data-decide]");
    if (!button || button.disabled) return;
    if (button.id === "decide-confirm") confirm();
    else if (button.dataset.kind)
      for (const each of byId("decide-kinds").querySelectorAll("button"))
        each.setAttribute("aria-checked", String(each === button));
    else if (button.dataset.one) openOne(button.dataset.decide, button.dataset.one);
    else decide.open(button.dataset.decide || button.id);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.id === "decide-reason" && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (!byId("decide-confirm").disabled) confirm();
    }
    const kind = event.target.closest && event.target.closest("[data-kind]");
    if (kind && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      const all = [...byId("decide-kinds").querySelectorAll("button:not(:disabled)")];
      const next = all[(all.indexOf(kind) + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length];
      next.focus();
      next.click();
    }
  });
})();
