// The page of one material: draws what the server told of it, and asks again whenever something of it has changed.
(() => {
  const { review } = window;
  const { byId } = review;
  let gathering = null;
  review.material = null; // which one is shown

  const renew = () => {
    if (gathering || !byId("material-body")) return;
    gathering = setTimeout(() => { gathering = null; review.store("material-changed", Date.now()); }, 150);
  };
  const take = (kind, data) => {
    if (["fresh", "reset", "iteration.list"].includes(kind) || data.material_id === review.material) renew();
  };
  review.onReachable((isReachable) => { if (isReachable) renew(); });

  // What scrolls in itself is reached by the keyboard, too.
  const reachScrolling = () => {
    for (const place of document.querySelectorAll(".material-columns .tall"))
      if (place.scrollHeight > place.clientHeight + 1) place.tabIndex = 0;
      else place.removeAttribute("tabindex");
  };

  const keys = { j: "#material-after", k: "#material-before", f: ".material-head [data-decide=flag]",
    r: ".material-head [data-decide=reject]" };
  document.addEventListener("keydown", (event) => {
    if (!byId("material-body") || review.isTyping(event) || review.isCovered()) return;
    const link = keys[event.key] && document.querySelector(keys[event.key]);
    if (link) { event.preventDefault(); link.click(); }
  });

  Object.assign(window.dash_clientside.review, {
    followMaterial: (asked) => {
      review.material = asked.material;
      review.notes.show();
      if (review.isReachable()) review.notes.flush();
      return review.live.follow({ key: `material ${asked.material}`, campaign: null, take });
    },
    drawMaterial: (data) => {
      if (!data || !byId("material-body")) return window.dash_clientside.no_update;
      review.drawTracks(data.tracks);
      review.structure.show(data.crystal, data.formula, data.missing);
      setTimeout(reachScrolling, 0);
      return Date.now();
    },
  });
})();
