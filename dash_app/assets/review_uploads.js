// Candidates of one's own: files and formulas, and a preview of each; the page of data says what became of them.
(() => {
  const { review } = window;
  const { byId, h } = review;
  const OUTCOMES = { new: ["New", "validated"], known: ["Known", "in_validation"], refused: ["Refused", "rejected"] };
  const SHOWN = 500;
  let files = [];
  let shown = null; // the preview that stands there
  let asked = 0;
  let waiting = null;
  let sending = null;

  const isHere = () => Boolean(byId("uploads-page"));
  const badge = ([text, look]) => h("span", { class: `badge badge-${look}` }, text);

  // ---- What is to be sent --------------------------------------------------------------------------
  const formulas = () => byId("uploads-formulas").value.split(/[\s,;]+/).filter(Boolean);

  const body = () => {
    const form = new FormData();
    for (const file of files) form.append("file", file, file.name);
    if (formulas().length) form.append("file", new File([formulas().join("\n")], "formulas.txt", { type: "text/plain" }));
    if (byId("uploads-prototype").value) form.append("prototype", byId("uploads-prototype").value);
    return form;
  };

  const size = (bytes) => (bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${(bytes / 1024).toFixed(0)} kB` : `${(bytes / 1048576).toFixed(1)} MB`);

  const listFiles = () => byId("uploads-files").replaceChildren(...files.map((file, i) => h("li", {},
    h("span", {}, file.name, h("span", { class: "soft" }, ` ${size(file.size)}`)),
    h("button", { type: "button", class: "link", "aria-label": `Leave out ${file.name}`, onclick: () => { files.splice(i, 1); change(); } }, "×"))));

  const add = (more) => {
    for (const file of more)
      if (!files.some((held) => held.name === file.name && held.size === file.size && held.lastModified === file.lastModified)) files.push(file);
    change();
  };

  const outcome = (each) => h("tr", {}, h("td", {}, each.place), h("td", {}, ...(each.formula ? review.formula(each.formula) : ["\u2013"])),
    h("td", {}, badge(OUTCOMES[each.outcome])),
    h("td", {}, each.reason || (each.outcome === "known" ? `It is ${each.material_id}` : each.material_id || "")));

  const table = (candidates) => h("div", { class: "scrolls" }, h("table", { class: "figures" },
    h("thead", {}, h("tr", {}, ...["From", "Formula", "Outcome", "Why, or as what"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, ...candidates.slice(0, SHOWN).map(outcome))),
  candidates.length > SHOWN ? h("p", { class: "soft small" }, `And ${(candidates.length - SHOWN).toLocaleString("en")} more.`) : null);

  const counted = (upload) => [[upload.n_new, "new"], [upload.n_known, "known already"], [upload.n_refused, "refused"]]
    .filter(([n]) => n).map(([n, text]) => `${n.toLocaleString("en")} ${text}`).join(", ");

  const complain = (error) => h("div", { class: "message problem", role: "alert" }, h("strong", {}, error.message), ` ${error.remedy || ""}`,
    error.unreachable ? " What you chose stays here; it is looked at again by itself." : "");

  const describe = () => {
    const able = shown && shown.candidates.some((each) => each.outcome !== "refused");
    byId("uploads-send").disabled = !able || Boolean(waiting);
    byId("uploads-send").textContent = able ? `Send ${review.count(shown.n_new + shown.n_known, "candidate")}` : "Send";
  };

  const look = async () => {
    waiting = null;
    const number = asked;
    byId("uploads-told").textContent = "Looking…";
    try {
      const upload = await review.ask("/materials/uploads?preview=true", { method: "POST", body: body() });
      if (number !== asked || !isHere()) return;
      shown = upload;
      byId("uploads-preview").replaceChildren(h("h3", {}, `${review.count(upload.n_candidates, "candidate")}: ${counted(upload)}`), table(upload.candidates));
    } catch (error) {
      if (number !== asked || !isHere()) return;
      shown = null;
      if (error.status === 503) { waiting = setTimeout(look, 1500); return; } // another preview is being made
      byId("uploads-preview").replaceChildren(complain(error));
    }
    byId("uploads-told").textContent = "";
    describe();
  };

  function change() {
    asked += 1;
    sending = null;
    shown = null;
    listFiles();
    clearTimeout(waiting);
    waiting = null;
    byId("uploads-told").textContent = "";
    if (!files.length && !formulas().length) byId("uploads-preview").replaceChildren();
    else if (formulas().length && !byId("uploads-prototype").value) {
      byId("uploads-preview").replaceChildren(h("p", { class: "soft" }, "Choose the prototype that the formulas are put on."));
    } else waiting = setTimeout(look, 350);
    describe();
  }

  const send = async () => {
    byId("uploads-send").disabled = true;
    // The same request again, where an answer got lost, is sent by the same key.
    sending = sending || review.newKey();
    try {
      const upload = await review.ask("/materials/uploads", { method: "POST", body: body(), headers: { "Idempotency-Key": sending } });
      location.assign(`/data?show=uploads&upload=${upload.upload_id}`); // says what becomes of it
    } catch (error) {
      byId("uploads-told").textContent = error.unreachable ? "Not sent: the server does not answer. Send it again when it does." : `${error.message} ${error.remedy || ""}`;
      byId("uploads-send").disabled = false;
    }
  };

  const clear = () => {
    files = [];
    byId("uploads-formulas").value = "";
    change();
  };

  review.onReachable((now) => { if (now && isHere() && !shown) change(); });

  document.addEventListener("input", (event) => {
    if (event.target.id === "uploads-formulas") change();
  });
  document.addEventListener("change", (event) => {
    if (event.target.id === "uploads-prototype") change();
    if (event.target.id === "uploads-choose") { add([...event.target.files]); event.target.value = ""; }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("#uploads-send")) send();
    else if (event.target.closest("#uploads-clear")) clear();
  });
  for (const kind of ["dragover", "dragleave", "drop"])
    document.addEventListener(kind, (event) => {
      const place = event.target.closest && event.target.closest("#uploads-drop");
      if (!isHere() || !event.dataTransfer || ![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault(); // a file dropped beside the place would leave the page
      byId("uploads-drop").classList.toggle("over", Boolean(place) && kind === "dragover");
      if (place && kind === "drop") add([...event.dataTransfer.files]);
    });

  Object.assign(window.dash_clientside.review, {
    beginUploads: () => {
      files = [];
      shown = null;
      byId("uploads-drop").replaceChildren(h("input", { type: "file", multiple: true, id: "uploads-choose", class: "visually-hidden" }),
        h("label", { for: "uploads-choose" }, "Choose files"), h("span", {}, "or drop them here"));
      return Date.now();
    },
  });
})();
