// A crystal in three dimensions: 3Dmol.js draws it, once a page asks; atoms, bonds and cells are worked out here.
(() => {
  const { review } = window;
  const { byId, h } = review;
  const LIBRARY = "/assets/vendor/3Dmol-min.js";
  const MOST_ATOMS = 3000;
  const BOUNDARY = 0.01; // of a cell: an atom this near to its face is drawn on the other one, too
  const STRETCH = 1.15;
  const BEYOND = 1.1; // Å from the end of an axis to its name
  // Covalent radii in Å: Cordero et al., Dalton Trans. 2832 (2008).
  const RADII = Object.fromEntries(`H .31 He .28 Li 1.28 Be .96 B .84 C .76 N .71 O .66 F .57 Ne .58 Na 1.66 Mg 1.41 Al 1.21
    Si 1.11 P 1.07 S 1.05 Cl 1.02 Ar 1.06 K 2.03 Ca 1.76 Sc 1.70 Ti 1.60 V 1.53 Cr 1.39 Mn 1.39 Fe 1.32 Co 1.26 Ni 1.24
    Cu 1.32 Zn 1.22 Ga 1.22 Ge 1.20 As 1.19 Se 1.20 Br 1.20 Kr 1.16 Rb 2.20 Sr 1.95 Y 1.90 Zr 1.75 Nb 1.64 Mo 1.54 Tc 1.47
    Ru 1.46 Rh 1.42 Pd 1.39 Ag 1.45 Cd 1.44 In 1.42 Sn 1.39 Sb 1.39 Te 1.38 I 1.39 Xe 1.40 Cs 2.44 Ba 2.15 La 2.07 Ce 2.04
    Pr 2.03 Nd 2.01 Pm 1.99 Sm 1.98 Eu 1.98 Gd 1.96 Tb 1.94 Dy 1.92 Ho 1.92 Er 1.89 Tm 1.90 Yb 1.87 Lu 1.87 Hf 1.75 Ta 1.70
    W 1.62 Re 1.51 Os 1.44 Ir 1.41 Pt 1.36 Au 1.36 Hg 1.32 Tl 1.45 Pb 1.46 Bi 1.48 Po 1.40 At 1.50 Rn 1.50 Fr 2.60 Ra 2.21
    Ac 2.15 Th 2.06 Pa 2.00 U 1.96 Np 1.90 Pu 1.87 Am 1.80 Cm 1.69`
    .match(/[A-Z][a-z]? [\d.]+/g).map((pair) => pair.split(" ")).map(([symbol, radius]) => [symbol, Number(radius)]));
  const ANIONS = new Set(["H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Ge", "As", "Se", "Br", "Sb", "Te", "I"]);
  const structure = (review.structure = {});
  const look = { cells: 1, bonds: true, cell: true };
  let host = null; // keeps its canvas from one material to the next: browsers give a page few of them
  let viewer = null;
  let crystal = null;
  let formula = "";
  let loading = null;

  // ---- The address -------------------------------------------------------------------------------
  const readLook = () => {
    const asked = new URLSearchParams(location.search);
    look.cells = Math.min(Math.max(Number(asked.get("cells")) || 1, 1), 3);
    look.bonds = asked.get("bonds") !== "off";
    look.cell = asked.get("cell") !== "off";
  };
  const writeLook = () => {
    const query = new URLSearchParams(location.search);
    const put = (name, value) => (value === null ? query.delete(name) : query.set(name, value));
    put("cells", look.cells === 1 ? null : look.cells);
    put("bonds", look.bonds ? null : "off");
    put("cell", look.cell ? null : "off");
    const text = query.toString();
    history.replaceState(history.state, "", location.pathname + (text ? `?${text}` : ""));
  };

  // ---- Atoms, bonds, cells -----------------------------------------------------------------------
  const point = ([x, y, z]) => [0, 1, 2].map((i) =>
    x * crystal.vectors[0][i] + y * crystal.vectors[1][i] + z * crystal.vectors[2][i]);
  const at = ([x, y, z]) => ({ x, y, z });

  const places = (fraction, cells) => {
    const within = fraction - Math.floor(fraction);
    const first = 1 - within < BOUNDARY ? within - 1 : within;
    const all = Array.from({ length: cells }, (_, n) => first + n);
    return first < BOUNDARY ? [...all, first + cells] : all;
  };

  const atomsOf = (cells) => crystal.sites.flatMap(({ element, abc }) => {
    const [xs, ys, zs] = abc.map((fraction) => places(fraction, cells));
    return xs.flatMap((x) => ys.flatMap((y) => zs.map((z) => ({ elem: element, ...at(point([x, y, z])), bonds: [], bondOrder: [] }))));
  });

  // Two atoms are bonded where they are hardly further apart than their radii say: metals only where there is nothing else.
  const bond = (atoms) => {
    const radius = (atom) => RADII[atom.elem] || 1.5;
    const hasAnions = atoms.some((atom) => ANIONS.has(atom.elem)) && atoms.some((atom) => !ANIONS.has(atom.elem));
    const reach = 2 * STRETCH * Math.max(...atoms.map(radius));
    const boxes = new Map();
    const key = (...which) => which.join(" ");
    const boxOf = (atom) => [atom.x, atom.y, atom.z].map((x) => Math.floor(x / reach));
    atoms.forEach((atom, i) => {
      const name = key(...boxOf(atom));
      boxes.set(name, [...(boxes.get(name) || []), i]);
    });
    atoms.forEach((one, i) => {
      const [a, b, c] = boxOf(one);
      for (const x of [a - 1, a, a + 1]) for (const y of [b - 1, b, b + 1]) for (const z of [c - 1, c, c + 1])
        for (const j of boxes.get(key(x, y, z)) || []) {
          const other = atoms[j];
          if (j <= i || (hasAnions && !ANIONS.has(one.elem) && !ANIONS.has(other.elem))) continue;
          const apart = Math.hypot(one.x - other.x, one.y - other.y, one.z - other.z);
          if (apart > STRETCH * (radius(one) + radius(other))) continue;
          one.bonds.push(j); one.bondOrder.push(1);
          other.bonds.push(i); other.bondOrder.push(1);
        }
    });
    return atoms;
  };

  const drawCells = (cells, color, ink, paper) => {
    const ends = [0, cells];
    const steps = Array.from({ length: cells + 1 }, (_, n) => n);
    for (const axis of [0, 1, 2])
      for (const u of steps) for (const v of steps) {
        const [start, end] = ends.map((w) => { const abc = [u, v]; abc.splice(axis, 0, w); return at(point(abc)); });
        viewer.addLine({ start, end, color });
      }
    ["a", "b", "c"].forEach((name, axis) => {
      const tip = [0, 0, 0];
      tip[axis] = cells + BEYOND / Math.hypot(...crystal.vectors[axis]);
      viewer.addLabel(name, { position: at(point(tip)), fontColor: ink, fontSize: 16, bold: true, backgroundColor: paper, backgroundOpacity: 0.7, inFront: true,
        alignment: "center" });
    });
  };

  // ---- Drawing -----------------------------------------------------------------------------------
  const color = (symbol) => window.$3Dmol.elementColors.Jmol[symbol] ?? 0xff1493;
  const say = (title, text, ...actions) => {
    const place = byId("structure-message");
    place.replaceChildren(...(title ? [h("strong", {}, title), h("p", {}, text), ...actions] : []));
    place.hidden = !title;
    byId("structure-view").hidden = Boolean(title);
    byId("structure-tools").classList.toggle("idle", Boolean(title));
    byId("structure-foot").hidden = Boolean(title);
  };

  const count = (cells) => crystal.sites.length * cells ** 3;
  const describe = () => {
    for (const button of document.querySelectorAll("[data-cells]")) {
      const cells = Number(button.dataset.cells);
      button.setAttribute("aria-pressed", String(cells === look.cells));
      button.disabled = cells > 1 && count(cells) > MOST_ATOMS;
      button.title = button.disabled ? `${count(cells).toLocaleString("en")} sites are too many to draw` : "";
    }
    byId("structure-bonds").setAttribute("aria-pressed", String(look.bonds));
    byId("structure-cell").setAttribute("aria-pressed", String(look.cell));
    const seen = new Map();
    for (const { element } of crystal.sites) seen.set(element, (seen.get(element) || 0) + 1);
    byId("structure-legend").replaceChildren(...[...seen].sort().map(([element, n]) => {
      const swatch = h("span", { class: "swatch", "aria-hidden": "true" });
      swatch.style.background = `#${color(element).toString(16).padStart(6, "0")}`;
      return h("li", {}, swatch, element, h("span", { class: "soft" }, ` ${n}`));
    }));
    byId("structure-view").setAttribute("aria-label", `Crystal structure of ${formula}: ${
      [...seen].map(([element, n]) => `${n} ${element}`).join(", ")}${look.cells > 1 ? `; ${look.cells} cells along each axis` : ""}`);
  };

  const hex = (parts) => `#${parts.map((part) => Number(part).toString(16).padStart(2, "0")).join("")}`;
  const inkOf = (element) => hex(getComputedStyle(element).color.match(/\d+/g).slice(0, 3));
  const draw = ({ isNew = false } = {}) => {
    while (count(look.cells) > MOST_ATOMS && look.cells > 1) look.cells -= 1;
    describe();
    viewer.removeAllModels();
    viewer.removeAllShapes();
    viewer.removeAllLabels();
    const atoms = atomsOf(look.cells);
    viewer.addModel().addAtoms(look.bonds ? bond(atoms) : atoms);
    for (const element of new Set(atoms.map((atom) => atom.elem)))
      viewer.setStyle({ elem: element }, {
        sphere: { radius: 0.18 + 0.24 * (RADII[element] || 1.5), color: color(element) },
        ...(look.bonds ? { stick: { radius: 0.07, colorscheme: "Jmol" } } : {}),
      });
    if (look.cell) drawCells(look.cells, inkOf(byId("structure-view")), inkOf(document.body), hex(review.coloursOf("--raised")));
    if (isNew) orient();
    viewer.render();
    host.dataset.atoms = atoms.length;
    host.dataset.bonds = atoms.reduce((sum, atom) => sum + atom.bonds.length, 0) / 2;
  };

  // From before, c upwards, turned and tilted a little, so that no atom hides behind another.
  const [TURN, TILT] = [20, 12].map((angle) => (angle * Math.PI) / 180);
  const around = (axis, angle) => [0, 1, 2].map((i) => (i === axis ? Math.sin(angle / 2) : 0)).concat(Math.cos(angle / 2));
  const after = ([x, y, z, w], [a, b, c, d]) => [ // of quaternions, the second first
    w * a + x * d + y * c - z * b, w * b - x * c + y * d + z * a, w * c + x * b - y * a + z * d, w * d - x * a - y * b - z * c,
  ];
  const orient = () => {
    const turned = after(around(0, TILT), after(around(1, -TURN), around(0, -Math.PI / 2)));
    viewer.setView([0, 0, 0, 0, ...turned]);
    viewer.zoomTo();
    viewer.zoom(0.66); // it fits what lies farthest for a view in perspective; ours has none
  };

  const hasWebGl = () => {
    if (viewer) return true;
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("webgl2") || canvas.getContext("webgl");
    const losing = context && context.getExtension("WEBGL_lose_context");
    if (losing) losing.loseContext(); // a page has few of them
    return Boolean(context);
  };

  const giveUp = () => {
    say("This browser draws nothing in three dimensions", "WebGL is off or missing. The sites are listed below.");
    byId("sites-details").open = true;
  };

  const load = () => {
    loading = loading || new Promise((done, fail) => {
      if (window.$3Dmol) { done(); return; }
      const script = h("script", { src: LIBRARY, onload: done, onerror: () => { loading = null; script.remove(); fail(); } });
      document.head.append(script);
    });
    return loading;
  };

  const attach = () => {
    const place = byId("structure-view");
    if (!host) {
      host = h("div", { class: "structure-host" });
      place.append(host);
      viewer = window.$3Dmol.createViewer(host, { backgroundColor: "white", backgroundAlpha: 0, antialias: true, disableFog: true,
        orthographic: true, minimumZoomToDistance: 2 });
    } else if (host.parentNode !== place) {
      place.append(host);
      viewer.resize();
    }
  };

  // Shows a crystal, or why there is none, unless it is the one that is shown already, or that waits for somebody to try again.
  structure.show = async (next, name, missing) => {
    const isSettled = (host && host.parentNode === byId("structure-view")) || byId("structure-retry");
    if (isSettled && JSON.stringify(next) === JSON.stringify(crystal)) return;
    crystal = next;
    formula = name;
    if (!crystal && missing) { say(missing, "It is described by its elements alone."); return; }
    if (!crystal) { say("No structure is stored", "Its source gave none that can be drawn."); return; }
    if (!hasWebGl()) { giveUp(); return; }
    try {
      await load();
    } catch {
      say("The viewer could not be loaded", "The server did not send it.",
        h("button", { id: "structure-retry", type: "button", class: "quiet",
          onclick: () => { const again = crystal; crystal = null; structure.show(again, name); } }, "Try again"));
      return;
    }
    if (!byId("structure-view") || crystal !== next) return; // somebody went on
    say("");
    readLook();
    try {
      attach();
    } catch {
      host = null;
      giveUp();
      return;
    }
    draw({ isNew: true });
  };

  // ---- Turning it ----------------------------------------------------------------------------------
  const turns = { ArrowLeft: [-10, "y"], ArrowRight: [10, "y"], ArrowUp: [-10, "x"], ArrowDown: [10, "x"] };
  document.addEventListener("keydown", (event) => {
    if (!viewer || event.target.id !== "structure-view" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (turns[event.key]) viewer.rotate(...turns[event.key]);
    else if (event.key === "+" || event.key === "=") viewer.zoom(1.15);
    else if (event.key === "-") viewer.zoom(1 / 1.15);
    else return;
    event.preventDefault();
    viewer.render();
  });
  // The viewer keeps what a click would do by itself.
  document.addEventListener("pointerdown", (event) => {
    const place = event.target.closest("#structure-view");
    if (place) place.focus({ preventScroll: true });
  });
  // Who scrolls the page does not mean the crystal below the pointer, unless it was clicked.
  document.addEventListener("wheel", (event) => {
    const place = byId("structure-view");
    if (place && place.contains(event.target) && document.activeElement !== place) event.stopPropagation();
  }, { capture: true, passive: true });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-cells], #structure-bonds, #structure-cell, #structure-reset");
    if (!button || !viewer || !crystal) return;
    if (button.dataset.cells) look.cells = Number(button.dataset.cells);
    else if (button.id === "structure-bonds") look.bonds = !look.bonds;
    else if (button.id === "structure-cell") look.cell = !look.cell;
    writeLook();
    draw({ isNew: Boolean(button.dataset.cells) || button.id === "structure-reset" });
  });

  // Its lines have the colour of the text.
  const redraw = () => { if (viewer && host.isConnected) draw(); };
  new MutationObserver(redraw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
})();
