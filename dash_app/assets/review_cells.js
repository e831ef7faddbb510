// How the grid draws its cells.
(() => {
  const { review } = window;
  const { state } = review;
  const draw = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  const e = (...what) => React.createElement(...what);

  // Of each property, what its bars reach from and to: the goal's windows and what was predicted first.
  const reaches = new Map();
  const finite = (values) => values.filter((value) => value !== null && value !== undefined);

  review.forgetReaches = () => reaches.clear();
  review.reach = (rows, properties) => {
    for (const { name, windows } of properties) {
      if (reaches.has(name)) continue;
      const seen = rows.map((row) => row.predicted && row.predicted[name]).filter(Boolean);
      if (!seen.length) continue;
      const lows = seen.map((each) => each.mean - each.std).sort((a, b) => a - b);
      const highs = seen.map((each) => each.mean + each.std).sort((a, b) => a - b);
      const bounds = finite(windows.flat());
      // Few that lie far off do not press the others together.
      const low = Math.min(lows[Math.floor(lows.length * 0.02)], ...bounds);
      const high = Math.max(highs[Math.ceil(highs.length * 0.98) - 1], ...bounds);
      const margin = (high - low || Math.abs(high) || 1) * 0.08;
      reaches.set(name, [low - margin, high + margin]);
    }
  };

  const within = ([low, high], value) => (low === null || value >= low) && (high === null || value <= high);

  const measuredOf = (row, name) =>
    (row.validated || []).find((each) => each.property === name && each.method === state.about.method);

  const bar = (name, windows, predicted, measured) => {
    const reach = reaches.get(name);
    if (!reach) return null;
    const at = (value) => Math.min(100, Math.max(0, (100 * (value - reach[0])) / (reach[1] - reach[0])));
    const span = (kind, low, high, key) => {
      const [left, right] = [low === null ? 0 : at(low), high === null ? 100 : at(high)];
      return e("i", { key, className: kind, style: { left: `${left}%`, width: `${Math.max(right - left, 0)}%` } });
    };
    const edges = ([low, high]) => `aim${low === null ? "" : " from"}${high === null ? "" : " to"}`;
    const parts = windows.map((window, i) => span(edges(window), ...window, `aim${i}`));
    if (predicted) {
      parts.push(span("spread", predicted.mean - predicted.std, predicted.mean + predicted.std, "spread"));
      parts.push(e("i", { key: "mean", className: "mean", style: { left: `${at(predicted.mean)}%` } }));
    }
    if (measured) parts.push(e("i", { key: "truth", className: "truth", style: { left: `${at(measured.value)}%` } }));
    return e("span", { className: "value-bar", "aria-hidden": true }, ...parts);
  };

  draw.PropertyValue = (props) => {
    const { data, name, windows, unit } = props;
    if (!data) return null;
    const predicted = data.predicted && data.predicted[name];
    const answer = measuredOf(data, name);
    const measured = answer && answer.value !== null ? answer : null;
    let end = null;
    if (measured) {
      const met = windows.length ? windows.some((window) => within(window, measured.value)) : null;
      const said = met === null ? "" : met ? ", within the goal" : ", outside of the goal";
      end = e("strong", { className: `measured ${met === false ? "missed" : ""}`,
        title: `Measured: ${review.value(measured.value, measured.standard_deviation || 0.03)} ${unit}${said}` },
        met === null ? "" : met ? "✓ " : "✗ ", review.value(measured.value, measured.standard_deviation || 0.03));
    } else if (answer) {
      end = e("span", { className: "measured missed", title: answer.note || "Validation gave no value" }, "failed");
    } else if (name in (data.chances || {}) && !data.unlearned) {
      end = e("span", { className: "soft", title: "Chance that it is within the goal, by the model's draws" },
        review.percent(data.chances[name]));
    }
    const text = predicted ? review.plusMinus(predicted.mean, predicted.std) : "\u2013";
    return e("span", { className: "value-cell" },
      e("span", { className: "value-text" }, e("span", { className: data.unlearned ? "soft" : "" }, text), end),
      bar(name, windows, predicted, measured));
  };

  draw.StatusChip = ({ data, value }) => {
    if (!data) return null;
    if (!value) return e("span", { className: "soft" }, "Not listed");
    const kind = data.rejection_kind ? `: ${data.rejection_kind}` : "";
    return e("span", { className: "chips" },
      e("span", { className: `badge badge-${value}` }, review.title(value) + kind),
      data.hit ? e("span", { className: "hit", title: "Validation found every criterion met" }, "Hit") : null,
      data.labels_superseded
        ? e("span", { className: "badge badge-stale", title: "Labels that its ranking was learned from were corrected or retracted since" }, "Labels")
        : null,
      data.stale && ["ranked", "flagged"].includes(value)
        ? e("span", { className: "badge badge-stale", title: `Scored by model version ${data.model_version}, which is `
            + `older than the champion, version ${data.champion_version}: a later iteration may see it otherwise` }, "Stale")
        : null);
  };

  draw.Rank = ({ data, value }) => {
    if (!data) return null;
    if (!("recorded_rank" in data)) return e("span", null, String(value));
    const moved = data.recorded_rank === null ? null : data.recorded_rank - value;
    const told = moved === null ? "new" : moved > 0 ? `▲${moved}` : moved < 0 ? `▼${-moved}` : "";
    const title = moved === null ? "Not on the recorded list" : `Recorded rank: ${data.recorded_rank}`;
    return e("span", { title }, String(value), " ",
      e("small", { className: moved === null || moved > 0 ? "moved-up" : "moved-down" }, told));
  };

  draw.Share = ({ data, value }) => {
    if (!data || value === null || value === undefined) return data ? "\u2013" : null;
    return e("span", { className: "value-cell" }, e("span", { className: "value-text" }, review.percent(value)),
      e("span", { className: "value-bar share", "aria-hidden": true },
        e("i", { className: "spread", style: { left: 0, width: `${100 * value}%` } })));
  };

  draw.Score = ({ data, value }) => (data && value !== undefined && value !== null ? review.decimals(value) : null);

  draw.Distance = ({ data, value }) => {
    if (!data) return null;
    const text = value === null || value === undefined ? "\u2013" : value.toFixed(2);
    const far = data.out_of_distribution
      ? e("span", { className: "badge badge-far", title: "Further from the training data than 95\u2009% of unseen chemical "
          + "systems: expect a larger error, and do not rely on the stated uncertainty" }, "Far")
      : null;
    return e("span", null, far, far ? " " : null, text);
  };

  draw.Formula = ({ data, value }) => {
    if (!data) return e("span", { className: "skeleton", "aria-label": "Loading" });
    const query = new URLSearchParams({ campaign: state.about.name, ...(data.candidate_id ? { candidate: data.candidate_id } : {}) });
    return e("a", { href: review.materialPath(data.material_id, query), "data-page": "true", tabIndex: -1,
      title: `${value} · ${data.material_id}: its page (m)` },
    ...value.split(/(\d+\.?\d*)/).map((part, i) => (i % 2 ? e("sub", { key: i }, part) : part)));
  };
})();
