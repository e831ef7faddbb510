// What only the browser can do: talk to the grid, open and close the dialog, draw cells.
(() => {
  const GRID = "candidates";

  const withGrid = (act) => {
    try {
      const grid = dash_ag_grid.getApi(GRID);
      if (grid) act(grid);
    } catch (error) {
      // no grid is laid out yet: there is nothing to renew
    }
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
        const title = n === 1 ? `Reject ${rows[0].formula}` : `Reject ${n} candidates`;
        return [n ? `${n} selected` : "Select candidates to decide", n === 0, n === 0, title];
      },
      openDialog: (opened, cancelled) => {
        if (window.dash_clientside.callback_context.triggered_id !== "reject" || !opened) {
          return [true, window.dash_clientside.no_update, ""];
        }
        setTimeout(() => document.getElementById("reject-reason").focus(), 50);
        return [false, "", ""];
      },
    },
  });

  document.addEventListener("keydown", (event) => {
    const dialog = document.getElementById("reject-dialog");
    if (event.key === "Escape" && dialog && !dialog.hidden) document.getElementById("reject-cancel").click();
  });

  const draw = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});

  draw.StatusBadge = (props) => {
    if (!props.data) return null;
    const text = props.value.replace("_", " ");
    const badge = React.createElement(
      "span", { className: `badge badge-${props.value}` }, text[0].toUpperCase() + text.slice(1));
    const hit = props.data.hit
      ? React.createElement("span", { className: "hit", title: "Validation found every criterion met" }, "Hit")
      : null;
    return React.createElement("span", null, badge, hit);
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
