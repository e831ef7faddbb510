// What is asked of a campaign: a dialog that says what will happen, one request, and what became of it without reloading.
(() => {
  const { review } = window;
  const { byId } = review;
  const asking = { kind: null, key: null };

  // ---- What changes elsewhere ------------------------------------------------------------------
  const renew = (kind, data) => {
    if (kind === "request.done" || kind === "request.refused") tell(kind, data);
    review.live.renewAll();
  };
  const tell = (kind, data) => {
    if (data.actor !== review.who()) return;
    review.notify(data.answer, kind === "request.done" ? {} : { kind: "problem", seconds: 0 });
  };

  Object.assign(window.dash_clientside.review, {
    followCampaign: (name) => {
      review.live.follow({ key: `progress of ${name}`, campaign: name, take: renew });
      return Date.now();
    },
    followCampaigns: () => {
      review.live.follow({ key: "campaigns", campaign: null, take: renew });
      return Date.now();
    },
  });

  // ---- Asking ----------------------------------------------------------------------------------
  const campaign = () => document.querySelector("[data-campaign]").dataset.campaign;
  const complain = (text) => { byId("ask-complaint").textContent = text; };

  const open = (button) => {
    if (asking.kind !== button.dataset.ask) { asking.key = null; byId("ask-reason").value = ""; }
    asking.kind = button.dataset.ask;
    byId("ask-title").textContent = `${button.dataset.title}: ${campaign()}`;
    byId("ask-dialog").querySelector(".soft").textContent = button.dataset.says;
    byId("ask-confirm").textContent = button.dataset.title;
    byId("ask-confirm").className = asking.kind === "stop" ? "danger solid" : "primary";
    byId("ask-reason").parentElement.hidden = asking.kind === "start";
    complain("");
    review.set("ask-dialog", { hidden: false });
    requestAnimationFrame(() => (asking.kind === "start" ? byId("ask-confirm") : byId("ask-reason")).focus());
  };

  const close = () => {
    review.set("ask-dialog", { hidden: true });
    const opener = document.querySelector(`[data-ask="${asking.kind}"]`); // it may have been laid out anew
    if (opener) opener.focus();
  };

  const body = async () => {
    if (asking.kind === "start") return (await review.ask(`/campaigns/${encodeURIComponent(campaign())}`)).document;
    return asking.kind === "report" ? undefined : { reason: byId("ask-reason").value.trim() };
  };

  const send = async () => {
    const path = asking.kind === "start" ? "/campaigns" : `/campaigns/${encodeURIComponent(campaign())}/${asking.kind}`;
    // The same request keeps its key: where its answer got lost it is not made twice.
    asking.key = asking.key || review.newKey();
    const content = await body();
    const answer = await review.ask(path, {
      method: "POST",
      headers: { "Idempotency-Key": asking.key, ...(content ? { "Content-Type": "application/json" } : {}) },
      body: content && JSON.stringify(content),
    });
    asking.key = null;
    review.store("changed", Date.now());
    return answer;
  };

  const confirm = async () => {
    if (asking.kind === "stop" && !byId("ask-reason").value.trim()) {
      complain("Say why: the reason is kept with the campaign.");
      byId("ask-reason").focus();
      return;
    }
    byId("ask-confirm").disabled = true;
    try {
      await send();
      byId("ask-reason").value = "";
      close();
      review.notify("Asked. The loop carries it out within seconds.");
    } catch (error) {
      if (!error.unreachable) asking.key = null;
      complain(error.unreachable
        ? "The server does not answer. What you typed stays here: confirm again once it does; it is not done twice."
        : `${error.message} ${error.remedy || ""}`);
    } finally {
      byId("ask-confirm").disabled = false;
    }
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-ask], #ask-confirm, #ask-cancel");
    if (!button || button.disabled) return;
    if (button.id === "ask-cancel") close();
    else if (button.id === "ask-confirm") confirm();
    else if (button.dataset.ask === "report") {
      asking.kind = "report";
      button.disabled = true;
      try {
        await send();
        review.notify("The report is being written: a run draws it within a minute.");
      } catch (error) {
        button.disabled = false;
        review.notify(`${error.message} ${error.remedy || ""}`, { kind: "problem" });
      }
    } else open(button);
  });

  // ---- The list: what is shown of it, kept in the address -----------------------------------------
  const filter = () => {
    const list = byId("campaign-list");
    if (!list) return;
    const query = new URLSearchParams(location.search);
    const words = (query.get("q") || "").toLowerCase().split(/\s+/).filter(Boolean);
    const status = query.get("status");
    let shown = 0;
    for (const row of list.querySelectorAll("[data-words]")) {
      row.hidden = Boolean(status && row.dataset.standing !== status) || !words.every((word) => row.dataset.words.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    for (const chip of document.querySelectorAll("[data-campaign-status]"))
      chip.setAttribute("aria-pressed", String((status || "") === chip.dataset.campaignStatus));
    const none = byId("no-campaign-shown");
    if (none) none.hidden = shown > 0;
  };
  const look = (name, value) => {
    const query = new URLSearchParams(location.search);
    if (value) query.set(name, value); else query.delete(name);
    history.replaceState(history.state, "", location.pathname + (query.size ? `?${query}` : ""));
    filter();
  };
  document.addEventListener("input", (event) => {
    if (event.target.id === "campaign-search") look("q", event.target.value.trim());
  });
  document.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-campaign-status]");
    if (chip) look("status", chip.dataset.campaignStatus);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || review.isTyping(event) || review.isCovered() || !byId("campaign-search")) return;
    event.preventDefault();
    byId("campaign-search").focus();
  });
  Object.assign(window.dash_clientside.review, {
    // What Dash lays out anew is filtered anew; what was typed stays.
    filterCampaigns: () => {
      const place = byId("campaign-search-place");
      if (place && !place.firstChild)
        place.append(review.h("input", { id: "campaign-search", type: "search", "aria-label": "Filter by name or description",
          placeholder: "Filter by name or description  /", value: new URLSearchParams(location.search).get("q") || "" }));
      requestAnimationFrame(filter);
      return Date.now();
    },
  });
})();
