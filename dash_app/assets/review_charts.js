// Charts: their colours are names of the style sheet ("--blue", "--grey/0.2"), resolved for the theme that is shown.
(() => {
  const { review } = window;
  const drawn = new Map();
  let probe = null;

  const resolve = (token) => {
    if (!probe) { probe = review.h("span", { hidden: true }); document.body.append(probe); }
    const [name, opacity] = token.split("/");
    probe.style.color = `var(${name})`;
    const color = getComputedStyle(probe).color;
    return opacity ? color.replace("rgb(", "rgba(").replace(")", `, ${opacity})`) : color;
  };

  review.coloursOf = (token) => resolve(token).match(/[\d.]+/g).slice(0, 3).map(Number);

  const dress = (value) => {
    if (typeof value === "string") return value.startsWith("--") ? resolve(value) : value;
    if (Array.isArray(value)) return typeof value[0] === "object" ? value.map(dress) : value;
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, dress(each)]));
    return value;
  };

  const again = () => {
    if (document.querySelector(".figure-frame")) review.store("dressed", Date.now());
  };
  new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);

  Object.assign(window.dash_clientside.review, {
    // Only what changed is drawn anew, so that what one points at stays.
    draw: (figures, places, dressed, ids) => {
      const { no_update } = window.dash_clientside;
      setTimeout(() => window.dispatchEvent(new Event("resize")), 100); // as wide as they are once they are seen
      return ids.map((id) => {
        const figure = figures && figures[id.name];
        if (!figure) return no_update;
        const key = JSON.stringify([figure, dressed, places]);
        const isThere = document.getElementById(JSON.stringify(id, Object.keys(id).sort()));
        if (drawn.get(id.name) === key && isThere && isThere.querySelector(".main-svg")) return no_update;
        drawn.set(id.name, key);
        if (isThere) isThere.closest(".figure-frame").classList.toggle("is-empty", !figure.data.length);
        return dress(figure);
      });
    },
    tellRemarks: (figures, places, ids) => ids.map(({ name }) => (figures && figures.remarks && figures.remarks[name]) || ""),
  });
})();
