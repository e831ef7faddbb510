// The map's view: what part of it is seen, moving and zooming, the line around a selection, what the pointer tells. What the
// points are is the business of `review_map.js`.
(() => {
  const { review } = window;
  const { byId, map } = review;
  const { canvas, over } = map;
  const REACH = 9;
  let view = null;
  let fitted = null;
  let drawing = null;
  let isLasso = false;
  let windowWidth = null; // the browser's, when the map was laid last

  // ---- Drawing -------------------------------------------------------------------------------------
  const fit = () => {
    const { points } = map;
    let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const i of points.order) {
      left = Math.min(left, points.x[i]); right = Math.max(right, points.x[i]);
      low = Math.min(low, points.y[i]); high = Math.max(high, points.y[i]);
    }
    const { width, height } = canvas();
    const scale = 0.9 * Math.min(width / (right - left || 1), height / (high - low || 1));
    return { x: (left + right) / 2, y: (low + high) / 2, scale: Number.isFinite(scale) ? scale : 1 };
  };

  const pointSize = () => {
    const n = map.points.order.length;
    const grown = Math.min(Math.sqrt(view.scale / fitted.scale), 2.5);
    return (devicePixelRatio || 1) * (n > 20000 ? 1.1 : n > 3000 ? 1.7 : 2.6) * Math.max(grown, 1);
  };

  const toCanvas = (x, y) => [(x - view.x) * view.scale + canvas().width / 2, canvas().height / 2 - (y - view.y) * view.scale];
  const toPoint = (px, py) => [view.x + (px - canvas().width / 2) / view.scale, view.y - (py - canvas().height / 2) / view.scale];

  // Where a material lies on the page, from the map's corner.
  map.where = (i) => toCanvas(map.points.x[i], map.points.y[i]).map((each) => each / (devicePixelRatio || 1));

  let line = []; // the line around a selection, in the coordinates of points
  let hovered = null;
  const drawOver = () => {
    const context = over().getContext("2d");
    const ratio = devicePixelRatio || 1;
    context.clearRect(0, 0, over().width, over().height);
    context.strokeStyle = map.isDark() ? "#e6ebf1" : "#1d2733";
    context.lineWidth = 1.5 * ratio;
    const ring = (i, radius) => {
      const [px, py] = toCanvas(map.points.x[i], map.points.y[i]);
      context.beginPath();
      context.arc(px, py, radius * ratio, 0, 2 * Math.PI);
      context.stroke();
    };
    if (map.chosen.length <= 2000) for (const i of map.chosen) ring(i, 4.5);
    if (hovered !== null) ring(hovered, 7);
    if (line.length > 1) {
      context.beginPath();
      line.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](...toCanvas(x, y)));
      context.closePath();
      context.fillStyle = "rgb(31 95 174 / .12)";
      context.fill();
      context.stroke();
    }
  };
  map.drawOver = drawOver;

  const draw = () => {
    drawing = null;
    if (!map.isShown() || !view) return;
    view.point = pointSize();
    review.drawPoints(canvas(), view, map.points, map.palette, map.paper);
    drawOver();
  };
  map.draw = () => { if (drawing === null) drawing = requestAnimationFrame(draw); };

  // One that was chosen and lies below the panel now is brought beside it.
  const uncover = () => {
    if (map.chosen.length !== 1) return;
    const beyond = toCanvas(map.points.x[map.chosen[0]], map.points.y[map.chosen[0]])[0] + 40 * (devicePixelRatio || 1) - canvas().width;
    if (beyond > 0) view.x += beyond / view.scale;
  };

  const lay = () => {
    const frame = byId("map-frame");
    if (!frame || !map.points) return;
    const { width, height } = frame.getBoundingClientRect();
    const ratio = devicePixelRatio || 1;
    const [before, high] = [canvas().width, canvas().height];
    for (const each of [canvas(), over()]) { each.width = Math.round(width * ratio); each.height = Math.round(height * ratio); }
    fitted = fit();
    if (!view) view = { ...fitted };
    else if (before && windowWidth !== innerWidth) view.scale *= canvas().width / before;
    else if (before) {
      // The panel came or went: what one points at stays where it is.
      view.x += (canvas().width - before) / 2 / view.scale;
      view.y -= (canvas().height - high) / 2 / view.scale;
      uncover();
    }
    windowWidth = innerWidth;
    map.draw();
  };

  const resizing = new ResizeObserver(() => { if (map.isShown() && map.pool && map.pool.n_placed) lay(); });
  // Shows what was read: as the address says where it is another pool, else as one looked at it.
  map.lookAt = ({ anew }) => {
    if (anew || !view) {
      view = null;
      lay();
      readView();
      readLine();
      resizing.disconnect();
      resizing.observe(byId("map-frame"));
    }
    map.draw();
  };
  // Another campaign's map, or the same one come to again.
  map.leave = () => { [view, line, hovered, held] = [null, [], null, null]; };

  let keeping = null;
  const keepView = () => {
    clearTimeout(keeping);
    keeping = setTimeout(() => {
      if (!map.isShown() || !view) return; // another page's address is none of ours
      const isFitted = Math.abs(view.scale / fitted.scale - 1) < 1e-3
        && Math.hypot(view.x - fitted.x, view.y - fitted.y) * fitted.scale < 2;
      map.change({ view: isFitted ? null : [view.x, view.y, view.scale / fitted.scale].map((each) => Number(each.toPrecision(4))).join(",") });
    }, 300);
  };
  const readView = () => {
    const parts = (map.params.get("view") || "").split(",").map(Number);
    view = { ...fitted };
    if (parts.length === 3 && parts.every(Number.isFinite) && parts[2] > 0)
      view = { x: parts[0], y: parts[1], scale: parts[2] * fitted.scale };
  };

  const zoom = (factor, px = canvas().width / 2, py = canvas().height / 2) => {
    const [x, y] = toPoint(px, py);
    view.scale = Math.min(Math.max(view.scale * factor, fitted.scale * 0.5), fitted.scale * 2000);
    view.x = x - (px - canvas().width / 2) / view.scale;
    view.y = y + (py - canvas().height / 2) / view.scale;
    map.draw();
    keepView();
  };

  // ---- Selections ----------------------------------------------------------------------------------
  const writeLine = () => line.map(([x, y]) => `${Number(x.toPrecision(4))},${Number(y.toPrecision(4))}`).join(";");
  const readLine = () => {
    line = (map.params.get("around") || "").split(";").map((pair) => pair.split(",").map(Number))
      .filter((pair) => pair.length === 2 && pair.every(Number.isFinite));
    if (line.length < 3) line = [];
  };
  const MOST_CORNERS = 60;
  const close = () => {
    const every = Math.max(1, Math.ceil(line.length / MOST_CORNERS));
    line = line.filter((_, i) => i % every === 0);
    if (line.length < 3) line = [];
    map.change({ around: writeLine(), point: null });
    map.choose();
  };
  map.choose = () => {
    const point = map.params.get("point");
    if (line.length) map.chosen = review.pointsWithin(map.points, line);
    else map.chosen = point !== null && map.placeOf.has(point) ? [map.placeOf.get(point)] : [];
    map.describeChosen();
    drawOver();
  };
  map.forgetLine = () => { line = []; };
  map.clear = () => { line = []; map.change({ around: null, point: null }); map.choose(); };
  const setLasso = (now) => {
    isLasso = now;
    byId("map-lasso").setAttribute("aria-pressed", String(now));
    over().classList.toggle("lasso", now);
  };

  // ---- Pointer and keys ----------------------------------------------------------------------------
  const at = (event) => {
    const box = over().getBoundingClientRect();
    const ratio = devicePixelRatio || 1;
    return [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
  };
  let held = null;
  const hover = (event) => {
    const [px, py] = at(event);
    const found = review.nearestPoint(view, map.points, px, py, REACH * (devicePixelRatio || 1), canvas());
    if (found !== hovered) { hovered = found; drawOver(); }
    const tip = byId("map-tip");
    // Of the one that is chosen the panel tells already.
    tip.hidden = found === null || (map.chosen.length === 1 && map.chosen[0] === found);
    if (tip.hidden) return;
    tip.replaceChildren(...map.tell(found));
    const box = byId("map-frame").getBoundingClientRect();
    const [left, top] = [event.clientX - box.left + 14, event.clientY - box.top + 14];
    tip.style.left = `${Math.min(left, box.width - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.min(top, box.height - tip.offsetHeight - 8)}px`;
  };
  const onMap = (event) => map.isShown() && view && map.points && event.target.id === "map-over";

  document.addEventListener("pointerdown", (event) => {
    if (!onMap(event) || event.button) return;
    over().setPointerCapture(event.pointerId);
    const draws = isLasso || event.shiftKey;
    held = { draws, from: at(event), view: { ...view }, moved: false };
    if (draws) line = [toPoint(...held.from)];
  });
  document.addEventListener("pointermove", (event) => {
    if (!held) { if (onMap(event)) hover(event); return; }
    const [px, py] = at(event);
    if (Math.hypot(px - held.from[0], py - held.from[1]) > 4) held.moved = true;
    if (held.draws) { line.push(toPoint(px, py)); drawOver(); return; }
    view.x = held.view.x - (px - held.from[0]) / view.scale;
    view.y = held.view.y + (py - held.from[1]) / view.scale;
    map.draw();
  });
  document.addEventListener("pointerup", (event) => {
    if (!held) return;
    const { draws, moved } = held;
    held = null;
    if (draws && moved) { close(); setLasso(false); return; }
    if (draws) { line = []; drawOver(); }
    if (moved) { keepView(); return; }
    const found = review.nearestPoint(view, map.points, ...at(event), REACH * (devicePixelRatio || 1), canvas());
    line = [];
    byId("map-tip").hidden = true;
    map.change({ around: null, point: found === null ? null : map.pool.material_ids[found] });
    map.choose();
  });
  document.addEventListener("pointerout", (event) => {
    if (event.target.id !== "map-over" || !byId("map-tip")) return;
    byId("map-tip").hidden = true;
    hovered = null;
    if (map.points && view) drawOver();
  });
  document.addEventListener("wheel", (event) => {
    if (!onMap(event)) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * 0.0015), ...at(event));
  }, { passive: false });

  const whole = () => { view = { ...fitted }; map.draw(); keepView(); };
  const pan = (dx, dy) => { view.x += (dx * 60) / view.scale; view.y += (dy * 60) / view.scale; map.draw(); keepView(); };
  const keys = {
    ArrowLeft: () => pan(-1, 0), ArrowRight: () => pan(1, 0), ArrowUp: () => pan(0, 1), ArrowDown: () => pan(0, -1),
    "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), 0: whole, l: () => setLasso(!isLasso),
  };
  document.addEventListener("keydown", (event) => {
    if (!map.isShown() || !view || review.isTyping(event) || review.isCovered()) return;
    if (event.key === "Escape") { if (isLasso) setLasso(false); else map.clear(); return; }
    const onCanvas = event.target.id === "map-over" || event.target === document.body;
    if (keys[event.key] && onCanvas) { event.preventDefault(); keys[event.key](); }
  });
  document.addEventListener("click", (event) => {
    if (!map.isShown()) return;
    if (event.target.closest("#map-lasso")) setLasso(!isLasso);
    else if (event.target.closest("#map-whole") && view) whole();
    else if (event.target.closest("#map-clear")) map.clear();
  });
})();
