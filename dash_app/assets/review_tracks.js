// What was expected of a material in each iteration, beside what was measured and what the goal asks for.
(() => {
  const { review } = window;
  const { byId, h } = review;
  const [WIDTH, HEIGHT] = [440, 220];
  const EDGE = { left: 58, right: 16, top: 12, bottom: 36 };
  const NAMES = { mean: "predicted ± deviation", covering: "nothing was known yet", truth: "measured", aim: "goal", known: "known elsewhere" };

  const s = (tag, attributes = {}, ...children) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children.filter(Boolean));
    return made;
  };
  const isNumber = (value) => value !== null && value !== undefined && Number.isFinite(value);

  const stepOf = (span, most) => {
    const rough = span / most;
    const power = 10 ** Math.floor(Math.log10(rough));
    return power * [1, 2, 5, 10].find((each) => each * power >= rough);
  };

  const reachOf = ({ points, known, windows }) => {
    const ends = [
      ...points.filter(({ mean }) => isNumber(mean)).flatMap(({ mean, std }) => [mean - std, mean + std]),
      ...points.filter(({ value }) => isNumber(value)).flatMap(({ value, deviation }) => [value - (deviation || 0), value + (deviation || 0)]),
      ...known.map(({ value }) => value),
    ];
    if (!ends.length) return null;
    ends.push(...windows.flat().filter(isNumber));
    const [low, high] = [Math.min(...ends), Math.max(...ends)];
    const margin = (high - low || Math.abs(high) || 1) * 0.1;
    return [low - margin, high + margin];
  };

  const figure = (track) => {
    const { points, known, windows, unit } = track;
    const title = unit ? `${track.title} (${unit})` : track.title;
    const reach = reachOf(track);
    const caption = h("figcaption", {}, title);
    if (!reach) return h("figure", { class: "track" }, caption, h("p", { class: "soft small" }, "Nothing was predicted or measured."));
    const numbers = [...new Set([...track.iterations, ...points.map(({ iteration }) => iteration)])].sort((a, b) => a - b);
    const [first, last] = [numbers[0], numbers[numbers.length - 1]];
    const inner = { width: WIDTH - EDGE.left - EDGE.right, height: HEIGHT - EDGE.top - EDGE.bottom };
    const x = (iteration) => EDGE.left + inner.width * (first === last ? 0.5 : 0.06 + (0.88 * (iteration - first)) / (last - first));
    const y = (value) => EDGE.top + inner.height * (1 - (Math.min(Math.max(value, reach[0]), reach[1]) - reach[0]) / (reach[1] - reach[0]));
    const across = (kind, value, told) => s("line", { class: kind, x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(value), y2: y(value) },
      told && s("title", {}, told));
    const parts = [];

    for (const [low, high] of windows) {
      const [top, bottom] = [y(isNumber(high) ? high : reach[1]), y(isNumber(low) ? low : reach[0])];
      parts.push(s("rect", { class: "aim", x: EDGE.left, y: top, width: inner.width, height: Math.max(bottom - top, 0) }));
    }
    const step = stepOf(reach[1] - reach[0], 7);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    for (let n = Math.ceil(reach[0] / step); n * step <= reach[1]; n += 1) {
      parts.push(across("grid", n * step));
      parts.push(s("text", { x: EDGE.left - 8, y: y(n * step), class: "tick left" }, review.fixed(n * step, digits)));
    }
    const every = Math.ceil(stepOf(Math.max(last - first, 1), 9));
    for (const iteration of numbers.filter((each) => (each - first) % every === 0))
      parts.push(s("text", { x: x(iteration), y: HEIGHT - EDGE.bottom + 16, class: "tick" }, String(iteration)));
    parts.push(s("text", { x: EDGE.left + inner.width / 2, y: HEIGHT - 3, class: "tick" }, "Iteration"));

    for (const { value, deviation, source } of known)
      parts.push(across("known", value, `${source}: ${deviation ? review.plusMinus(value, deviation) : review.decimals(value)} ${unit}`));
    const learned = points.filter(({ mean, learned: isLearned }) => isNumber(mean) && isLearned);
    if (learned.length > 1)
      parts.push(s("polyline", { class: "course", points: learned.map(({ iteration, mean }) => `${x(iteration)},${y(mean)}`).join(" ") }));
    for (const { iteration, mean, std, learned: isLearned } of points.filter((each) => isNumber(each.mean)))
      parts.push(s("g", { class: isLearned ? "mean" : "mean covering", "data-iteration": iteration },
        s("title", {}, `Iteration ${iteration}: predicted ${review.plusMinus(mean, std)} ${unit}${isLearned ? "" : "; nothing was known yet"}`),
        s("line", { x1: x(iteration), x2: x(iteration), y1: y(mean - std), y2: y(mean + std) }),
        ...[mean - std, mean + std].map((end) => s("line", { x1: x(iteration) - 4, x2: x(iteration) + 4, y1: y(end), y2: y(end) })),
        s("circle", { cx: x(iteration), cy: y(mean), r: 4.5 })));
    const measured = points.filter(({ value }) => isNumber(value));
    for (const { iteration, value, deviation } of measured) {
      const at = x(iteration) + (first === last ? 14 : 9);
      parts.push(across("truth-line", value));
      parts.push(s("g", { class: "truth", "data-iteration": iteration },
        s("title", {}, `Iteration ${iteration}: measured ${deviation ? review.plusMinus(value, deviation) : review.decimals(value)} ${unit}`),
        deviation ? s("line", { x1: at, x2: at, y1: y(value - deviation), y2: y(value + deviation) }) : null,
        s("path", { d: `M${at} ${y(value) - 6} l6 6 -6 6 -6 -6z` })));
    }
    const kinds = [
      learned.length && "mean", points.some((each) => isNumber(each.mean) && !each.learned) && "covering",
      measured.length && "truth", windows.length && "aim", known.length && "known",
    ].filter(Boolean);
    const drawing = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title} by iteration: the table below has the values` }, ...parts);
    return Object.assign(h("figure", { class: "track" }, caption, drawing), { kinds });
  };

  review.drawTracks = (tracks) => {
    const place = byId("material-charts");
    const figures = tracks.map(figure);
    const kinds = Object.keys(NAMES).filter((kind) => figures.some((each) => (each.kinds || []).includes(kind)));
    place.replaceChildren(...(figures.length ? [
      h("div", { class: "tracks" }, ...figures),
      h("ul", { class: "legend" }, ...kinds.map((kind) => h("li", {}, h("span", { class: `key ${kind}`, "aria-hidden": "true" }), NAMES[kind]))),
    ] : []));
  };
})();
