// What only the browser can do: talk to the grid, open and close the dialog, draw cells.
(() => {
  const GRID = "candidates";

  // Who was signed out, here or elsewhere, is led to the sign-in page and back.
  const ask = window.fetch;
  window.fetch = async (...request) => {
    const answer = await ask(...request);
    if (answer.status === 401)
      location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
    return answer;
  };

  const withGrid = (act) => {
    try {
      const grid = dash_ag_grid.getApi(GRID);
      if (grid) act(grid);
    } catch (error) {
      // no grid is laid out yet: there is nothing to renew
    }
  };

  // Whether the dialog of this verb was asked for, and not closed; the first question gets the focus.
  const asked = (verb, opened) => {
    if (window.dash_clientside.callback_context.triggered_id !== verb || !opened) return false;
    setTimeout(() => document.querySelector(`#${verb}-dialog input, #${verb}-dialog textarea`).focus(), 50);
    return true;
  };

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    review: {
      reload: () => {
        withGrid((grid) => { grid.deselectAll(); grid.ensureIndexVisible(0); grid.purgeInfiniteCache(); });
        return Date.now();
      },
      refresh: () => {
        withGrid((grid) => { grid.deselectAll(); grid.refreshInfiniteCache(); });
        return Date.now();
      },
      describeSelection: (rows) => {
        const n = (rows || []).length;
        const which = n === 1 ? rows[0].formula : `${n} candidates`;
        const restorable = n > 0 && rows.every((row) => ["withdrawn", "failed"].includes(row.kind));
        return [n ? `${n} selected` : "Select candidates to decide", n === 0, n === 0, !restorable,
          `Reject ${which}`, `Restore ${which}`];
      },
      openReject: (opened, cancelled) => {
        const { no_update } = window.dash_clientside;
        return asked("reject", opened) ? [false, "", "", null] : [true, no_update, "", no_update];
      },
      close: () => true,
      openRestore: (opened, cancelled) =>
        asked("restore", opened) ? [false, "", ""] : [true, window.dash_clientside.no_update, ""],
    },
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const verb of ["reject", "restore", "result", "upload", "retract", "return"]) {
      const dialog = document.getElementById(`${verb}-dialog`);
      if (dialog && !dialog.hidden) document.getElementById(`${verb}-cancel`).click();
    }
  });

  const draw = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});

  draw.StatusBadge = (props) => {
    if (!props.data) return null;
    const text = props.value.replace("_", " ");
    const badge = React.createElement(
      "span", { className: `badge badge-${props.value}` },
      text[0].toUpperCase() + text.slice(1) + (props.data.kind ? `: ${props.data.kind}` : ""));
    const hit = props.data.hit
      ? React.createElement("span", { className: "hit", title: "Validation found every criterion met" }, "Hit")
      : null;
    const stale = props.data.stale
      ? React.createElement("span", { className: "badge badge-stale", title: props.data.stale }, "Stale")
      : null;
    return React.createElement("span", null, badge, stale ? " " : null, stale, hit);
  };

  draw.Distance = (props) => {
    if (!props.data) return null;
    const far = props.data.far
      ? React.createElement("span", { className: "badge badge-far", title: props.data.far }, "Far")
      : null;
    return React.createElement("span", null, far, far ? " " : null, props.value ?? "–");
  };

  draw.Formula = (props) => {
    if (!props.data) return React.createElement("span", { className: "soft" }, "Loading…");
    const parts = props.value.split(/(\d+\.?\d*)/).map((part, i) =>
      i % 2 ? React.createElement("sub", { key: i }, part) : part);
    return React.createElement("span", null, ...parts);
  };
})();
