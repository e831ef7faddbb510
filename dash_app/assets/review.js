// What every page shares: elements, numbers, messages, the theme, and who was signed out.
(() => {
  const MINUS = "\u2212";
  const API = "/api/v1";
  const review = (window.review = window.review || {});

  // Who was signed out, here or elsewhere, is led to the sign-in page and back. What was too busy for one of Dash's
  // callbacks did nothing of it, and Dash itself does not ask again: a part of the page would stay empty.
  const fetched = window.fetch;
  const pause = (seconds) => new Promise((go) => { setTimeout(go, 1000 * seconds); });
  window.fetch = async (...request) => {
    let answer = await fetched(...request);
    const isCallback = String(request[0]).includes("/_dash-update-component");
    for (let tries = 0; isCallback && answer.status === 503 && tries < 5; tries += 1) {
      await pause(Math.min(Number(answer.headers.get("Retry-After")) || 1, 5));
      answer = await fetched(...request);
    }
    if (answer.status === 401)
      location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
    return answer;
  };

  review.byId = (id) => document.getElementById(id);

  review.h = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return made;
  };

  // Sets a property of something that Dash laid out, where it is laid out.
  review.set = (id, properties) => {
    if (review.byId(id)) window.dash_clientside.set_props(id, properties);
  };
  // Stores are laid out without an element. Those of another page are not there, of which Dash says only by an error.
  review.store = (id, data) => {
    try {
      window.dash_clientside.set_props(id, { data });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  };

  // What the API says, or why it does not: `unreachable` where there was no answer of its own.
  review.ask = async (path, options = {}) => {
    let answer;
    try {
      answer = await window.fetch(API + path, { credentials: "same-origin", ...options });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      review.reachable(false);
      throw Object.assign(new Error("The server does not answer."), { unreachable: true });
    }
    const body = await answer.json().catch(() => null);
    // The pages answer for an API that is gone; one that is only busy is there.
    const isGone = answer.status >= 500 && (!body || (answer.status > 500 && !/(busy|dagster-unavailable)$/.test(body.type || "")));
    review.reachable(!isGone);
    if (answer.ok) return body;
    const told = (body && body.detail) || `The server answered ${answer.status} without saying why.`;
    throw Object.assign(new Error(told), {
      unreachable: isGone, status: answer.status, remedy: (body && body.remedy) || "",
    });
  };

  // Who is signed in, and a name for what they send, by which the server knows it again.
  review.who = () => { const name = document.querySelector("#who span"); return name ? name.textContent : ""; };
  // Where a page is not served securely there is no randomUUID.
  review.newKey = () => (crypto.randomUUID ? crypto.randomUUID()
    : [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join(""));

  // ---- Whether the server answers --------------------------------------------------------------
  const watching = new Set();
  let isReachable = true;
  review.onReachable = (act) => watching.add(act);
  review.reachable = (now) => {
    if (now === isReachable) return;
    isReachable = now;
    const banner = review.byId("offline");
    if (banner) banner.hidden = now;
    watching.forEach((act) => act(now));
  };
  review.isReachable = () => isReachable;
  setInterval(() => { if (!isReachable) review.ask("/health").catch(() => null); }, 3000);

  // ---- Writing ---------------------------------------------------------------------------------
  const signed = (text) => text.replace(/^-|(?<=e)-/g, MINUS);
  review.percent = (share) => {
    if (share === null || share === undefined) return "\u2013";
    if (share > 0 && share < 0.005) return "<1\u2009%";
    if (share < 1 && share >= 0.995) return ">99\u2009%";
    return `${Math.round(100 * share)}\u2009%`;
  };
  // Decimals that an uncertainty of this size leaves meaning.
  const places = (std) => (std > 0 ? Math.min(Math.max(1 - Math.floor(Math.log10(std)), 0), 6) : 2);
  review.fixed = (value, digits) => signed(value.toFixed(digits));
  review.value = (value, std) => signed(value.toFixed(places(std)));
  review.plusMinus = (mean, std) =>
    std > 0 && std < 1e-6 && Math.abs(mean) < 1e-3
      ? `${signed(mean.toPrecision(3))} ± ${signed(std.toPrecision(2))}`
      : `${signed(mean.toFixed(places(std)))} ± ${std.toFixed(places(std))}`;
  // Three decimals, or three digits of what is far from one: as `constants.decimals` has them.
  review.decimals = (value) => {
    const size = Math.abs(value);
    return signed(size === 0 || (size >= 0.0005 && size < 1e6) ? value.toFixed(3) : value.toPrecision(3));
  };
  review.count = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many || one + "s"}`;
  review.words = (name) => name.replace(/_/g, " ");
  review.title = (name) => name[0].toUpperCase() + review.words(name).slice(1);
  review.formula = (text) =>
    text.split(/(\d+\.?\d*)/).map((part, i) => (i % 2 ? review.h("sub", {}, part) : part));

  // ---- Other pages -----------------------------------------------------------------------------
  review.materialPath = (material, query) => `/materials/${encodeURIComponent(material).replaceAll("%3A", ":")}?${query}`;
  // As Dash's own links go there: without loading everything anew.
  review.go = (href) => {
    history.pushState({}, "", href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-page]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    review.go(link.getAttribute("href"));
  });

  // ---- Messages --------------------------------------------------------------------------------
  review.notify = (text, { kind = "done", seconds = 6, actions = [] } = {}) => {
    const place = review.byId("toasts");
    if (!place) return;
    const toast = review.h("div", { class: `toast ${kind}`, role: kind === "problem" ? "alert" : "status" },
      review.h("span", {}, ...[text].flat()));
    const close = () => toast.remove();
    for (const [label, act] of actions)
      toast.append(review.h("button", { type: "button", class: "link", onclick: () => { close(); act(); } }, label));
    toast.append(review.h("button", { type: "button", class: "link", "aria-label": "Dismiss", onclick: close }, "×"));
    place.append(toast);
    if (seconds) setTimeout(close, 1000 * seconds);
    return close;
  };

  // ---- Theme -----------------------------------------------------------------------------------
  const THEMES = ["system", "light", "dark"];
  const kept = () => THEMES.includes(localStorage.getItem("theme")) ? localStorage.getItem("theme") : "system";
  const dress = () => { document.documentElement.dataset.theme = kept(); };
  dress();

  document.addEventListener("click", (event) => {
    const theme = event.target.closest("#theme");
    if (!theme) return;
    const isDark = getComputedStyle(document.documentElement).getPropertyValue("--is-dark").trim() === "1";
    localStorage.setItem("theme", isDark ? "light" : "dark");
    dress();
  });

  // ---- Dialogs ---------------------------------------------------------------------------------
  // Whether anything lies over the page, so that its keys are meant for that.
  review.isCovered = () =>
    Boolean(document.querySelector("dialog[open], [popover]:popover-open, .veil:not([hidden])"));

  document.addEventListener("click", (event) => {
    const closing = event.target.closest("[data-close]");
    if (closing) closing.closest("dialog").close();
    if (event.target.matches("dialog")) event.target.close(); // beside it
    if (event.target.closest("#keys")) review.byId("help").showModal();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "?" && !review.isTyping(event) && !review.isCovered() && review.byId("help")) {
      event.preventDefault();
      review.byId("help").showModal();
    }
    if (event.key !== "Escape") return;
    const veil = document.querySelector(".veil:not([hidden])");
    if (veil) document.getElementById(veil.id.replace("-dialog", "-cancel")).click();
  });

  review.isTyping = (event) =>
    event.ctrlKey || event.metaKey || event.altKey ||
    Boolean(event.target.closest && event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]"));

  // A button with data-opens opens that popover below itself. Dash knows no such attributes, so they are given here.
  const prepare = (event) => {
    const button = event.target.closest && event.target.closest("[data-opens]");
    if (!button || button.popoverTargetElement) return;
    const opened = review.byId(button.dataset.opens);
    opened.popover = "auto";
    button.popoverTargetElement = opened;
    opened.addEventListener("toggle", ({ newState }) => {
      button.setAttribute("aria-expanded", String(newState === "open"));
      if (newState !== "open") return;
      const at = button.getBoundingClientRect();
      opened.style.left = `${Math.max(8, Math.min(at.left, innerWidth - opened.offsetWidth - 8))}px`;
      opened.style.top = `${at.bottom + 6}px`;
      opened.style.maxHeight = `${innerHeight - at.bottom - 18}px`;
    });
  };
  for (const kind of ["pointerover", "pointerdown", "focusin"]) document.addEventListener(kind, prepare, true);

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    review: {
      close: () => true,
      // Which section of the top line the page belongs to: what is in none of the others is of a campaign.
      markSection: (path) => {
        const links = [...document.querySelectorAll(".top nav a")];
        const home = path.startsWith("/uploads") ? "/data" : "/";
        const at = links.find((link) => link.pathname !== "/" && path.startsWith(link.pathname)) || links.find((link) => link.pathname === home);
        for (const link of links) if (link === at) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
        return path;
      },
    },
  });
})();
