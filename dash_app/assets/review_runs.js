// Runs: stopping one, launching one, and looking for those of a job or campaign. What there is the server lays out.
(() => {
  const { review } = window;
  const { byId, h } = review;
  let about = null;
  let jobs = [];

  const complain = (name, error) => {
    byId(`${name}-complaint`).textContent = error ? `${error.message} ${error.remedy || ""}`.trim() : "";
  };

  // Sends what a dialog asks, closes it, and has the list read anew; what is refused is said where it was asked.
  const send = async (name, path, body, done) => {
    const button = byId(`${name}-confirm`);
    button.disabled = true;
    complain(name);
    try {
      const run = await review.ask(path, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body),
      });
      byId(name).close();
      review.notify(done(run));
      review.store("changed", Date.now());
    } catch (error) {
      complain(name, error);
    } finally {
      button.disabled = false;
    }
  };

  const named = (job, partition) => `${review.title(job)}${partition ? ` of ${partition}` : ""}`;

  const openStop = (data) => {
    about = data;
    complain("stop-run");
    byId("stop-run-what").textContent = named(data.job, data.partition);
    byId("stop-run").showModal();
  };

  const describe = () => {
    const job = jobs.find((each) => each.job === byId("launch-job").value);
    byId("launch-which").hidden = !(job && job.needs_partition);
    byId("launch-told").textContent = job ? job.description : "";
    byId("launch-run-confirm").disabled = !job;
  };

  const readPartitions = async () => {
    const campaigns = (await review.ask("/campaigns")).items;
    const lists = await Promise.all(campaigns.map(({ name }) =>
      review.ask(`/campaigns/${encodeURIComponent(name)}/iterations`)));
    return campaigns.map(({ name }, i) => [name, lists[i].items.slice().reverse()]);
  };

  const openLaunch = async ({ job, partition }) => {
    complain("launch-run");
    byId("launch-run-confirm").disabled = true;
    byId("launch-run").showModal();
    try {
      const [known, partitions] = await Promise.all([review.ask("/runs/jobs"), readPartitions()]);
      jobs = known.items;
      byId("launch-job").replaceChildren(...jobs.map((each) => h("option",
        { value: each.job, disabled: Boolean(each.unavailable), title: each.unavailable || null },
        review.title(each.job) + (each.unavailable ? " (not configured)" : ""))));
      byId("launch-partition").replaceChildren(...partitions.map(([name, iterations]) => h("optgroup", { label: name },
        ...iterations.map((each) => h("option", { value: each.partition_key }, `${name}, iteration ${each.iteration}`)))));
      if (job) byId("launch-job").value = job;
      if (partition) byId("launch-partition").value = partition;
      describe();
    } catch (error) {
      complain("launch-run", error);
    }
  };

  const launch = () => {
    const job = jobs.find((each) => each.job === byId("launch-job").value);
    const partition = job.needs_partition ? byId("launch-partition").value : null;
    return send("launch-run", "/runs", { job: job.job, partition }, () => `${named(job.job, partition)} is queued.`);
  };

  document.addEventListener("click", (event) => {
    const act = event.target.closest("[data-act]");
    if (act && act.dataset.act === "stop") openStop(act.dataset);
    else if (act && act.dataset.act === "launch") openLaunch(act.dataset);
    else if (event.target.closest("#stop-run-confirm"))
      send("stop-run", `/runs/${about.run}/stop`, null, (run) =>
        `${named(about.job, about.partition)} ${run.status === "canceled" ? "is stopped" : "is being stopped"}.`);
    else if (event.target.closest("#launch-run-confirm")) launch();
  });
  // A menu of filters closes when one goes elsewhere.
  const closeMenus = (inside) => {
    for (const menu of document.querySelectorAll(".pick[open]")) if (!menu.contains(inside)) menu.open = false;
  };
  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest(".menu a") ? null : event.target);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeMenus(null); });
  document.addEventListener("change", (event) => {
    if (event.target.id === "launch-job") describe();
  });
})();
