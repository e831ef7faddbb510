// What changes elsewhere: follows the API's events while the page is seen, and puts them where they belong.
(() => {
  const { review } = window;
  const { state, table, byId } = review;
  const SILENCE_MS = 40000; // the server says something every quarter of a minute
  const HIDDEN_MS = 30000;
  const MOST_LOOKED_UP = 12;
  const live = (review.live = {});
  let stream = null;
  let last = null;
  let silence = null;
  let retry = 500;
  let target = null; // what is followed: of which campaign, or of all where that is null, and what takes it

  const show = (text, kind) => {
    const place = byId("live");
    if (place) { place.textContent = text; place.className = `live ${kind}`; }
  };

  // ---- What an event means here ------------------------------------------------------------------
  let materials = new Set();
  let isAll = false;
  let gathering = null;

  live.look = async (candidate) => {
    try {
      const { structure, explanation, events, ...row } = await review.ask(`/candidates/${candidate}`);
      return row;
    } catch {
      return null;
    }
  };

  const renew = async () => {
    gathering = null;
    const [some, all] = [[...materials], isAll];
    materials = new Set();
    isAll = false;
    review.store("changed", Date.now());
    if (state.reranks()) return;
    if (all || some.length > MOST_LOOKED_UP) { table.refresh(); return; }
    try {
      const pages = await Promise.all(some.map((material) => review.ask(`/candidates?${new URLSearchParams(
        { campaign: state.about.name, material, limit: 100 })}`)));
      table.patch(pages.flatMap((page) => page.items));
    } catch {
      // it is asked again with the next change, or when the server answers again
    }
  };

  // A page that is about no single candidate reads what it shows anew.
  const SETTLED_MS = 400;
  let settling = null;
  live.renewAll = () => {
    settling = settling || setTimeout(() => { settling = null; review.store("changed", Date.now()); }, SETTLED_MS);
  };

  const take = (kind, data) => {
    if (!state.about) return;
    if (kind === "reset" || kind === "fresh") isAll = true;
    else if (kind === "iteration.list" && data.iteration !== state.iteration()) announce(data.iteration);
    else if (kind === "iteration.list") isAll = true;
    else if (data.material_id) materials.add(data.material_id);
    else if (kind.startsWith("result.examined")) return;
    if (!gathering) gathering = setTimeout(renew, 150);
  };

  const announce = (iteration) => {
    review.notify(`Iteration ${iteration} is ranked.`, { seconds: 0, actions: [["Show it", () => {
      state.change({ iteration, strategy: null, weight: null, candidate: null });
      review.set("detail-panel", { hidden: true });
    }]] });
  };

  // ---- The stream ----------------------------------------------------------------------------------
  const read = async ({ campaign, take: taken }, controller) => {
    const query = new URLSearchParams({ ...(campaign === null ? {} : { campaign }), ...(last === null ? {} : { after: last }) });
    let isFresh = last === null;
    const answer = await window.fetch(`/api/v1/events?${query}`, { signal: controller.signal, credentials: "same-origin" });
    if (!answer.ok || !answer.body) throw new Error(String(answer.status));
    review.reachable(true);
    show("Live", "on");
    retry = 500;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      clearTimeout(silence);
      silence = setTimeout(() => controller.abort(), SILENCE_MS);
      const { value, done } = await reader.read();
      if (done) return;
      text += value.replaceAll("\r\n", "\n");
      const parts = text.split("\n\n");
      text = parts.pop();
      for (const part of parts) {
        const fields = Object.fromEntries(part.split("\n").filter((line) => line[0] !== ":")
          .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trimStart()]));
        if (fields.id) last = fields.id;
        // What changed between the page's reading and now was not told.
        if (fields.event === "connected" && isFresh) { isFresh = false; taken("fresh", {}); }
        else if (fields.event && fields.event !== "connected") taken(fields.event, JSON.parse(fields.data || "{}"));
      }
    }
  };

  const follow = async (followed) => {
    const controller = new AbortController();
    stream = controller;
    while (stream === controller) {
      const current = new AbortController();
      controller.signal.addEventListener("abort", () => current.abort());
      let isGone = false;
      try {
        await read(followed, current);
      } catch (error) {
        isGone = error instanceof TypeError || ["502", "503", "504"].includes(error.message);
      }
      clearTimeout(silence);
      if (stream !== controller) return;
      if (isGone) { review.reachable(false); show("Offline", "off"); } else show("Connecting", "");
      await new Promise((done) => setTimeout(done, retry));
      retry = Math.min(retry * 2, 5000);
    }
  };

  const leave = () => { const left = stream; stream = null; if (left) left.abort(); };

  let hiding = null;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    // Browsers keep few connections to a server: a page that nobody sees leaves its own to others.
    if (document.hidden) hiding = setTimeout(leave, HIDDEN_MS);
    else if (!stream && target) follow(target);
  });

  review.onReachable((isReachable) => {
    if (!isReachable) return;
    review.decide.flush();
    if (table.grid && byId("grid-message") && !byId("grid-message").hidden) table.reload();
    review.store("changed", Date.now());
  });

  // Follows what a page says, {key, campaign, take}, until another one says otherwise; from the event `after` on
  // where the page knows which was the newest when it was read.
  live.follow = (next) => {
    if (next && target && next.key === target.key && stream) return Date.now();
    leave();
    target = next;
    last = next && "after" in next ? next.after : null;
    review.decide.showUnsent();
    if (review.isReachable()) review.decide.flush();
    if (next) follow(next);
    return Date.now();
  };

  Object.assign(window.dash_clientside.review, {
    follow: (about) => live.follow(
      about ? { key: `campaign ${about.name}`, campaign: about.name, take, after: about.last_event } : null),
    followAll: () => live.follow({ key: "all", campaign: null, take: live.renewAll }),
  });
})();
