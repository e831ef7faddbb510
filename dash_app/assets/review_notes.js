// Notes about a material: sent under the name of who is signed in, and kept in this browser while the server is away.
(() => {
  const { review } = window;
  const { byId, h } = review;
  const UNSENT = "catalyst.unsent-notes";
  const notes = (review.notes = {});

  const all = () => { try { return JSON.parse(localStorage.getItem(UNSENT)) || []; } catch { return []; } };
  const keep = (list) => { localStorage.setItem(UNSENT, JSON.stringify(list)); notes.show(); };
  const mine = () => all().filter((note) => note.by === review.who());
  const complain = (text) => { if (byId("note-complaint")) byId("note-complaint").textContent = text; };

  // Those of the material that is shown which did not reach the server yet.
  notes.show = () => {
    const place = byId("notes-unsent");
    if (!place) return;
    const waiting = mine().filter((note) => note.material === review.material);
    place.replaceChildren(...waiting.map((note) => h("div", { class: "band warning" },
      h("strong", {}, "Not sent yet: "), note.text, " It is kept in this browser and sent as soon as the server answers.",
      h("button", { type: "button", class: "link", onclick: () => keep(all().filter((each) => each.key !== note.key)) }, "Discard"))));
  };

  const post = ({ key, material, text }) => review.ask(`/materials/${encodeURIComponent(material)}/notes`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key },
    body: JSON.stringify({ text }),
  });

  const send = async () => {
    const text = byId("note-text").value.trim();
    if (!text) { byId("note-text").focus(); return complain("Write something first."); }
    const note = { key: review.newKey(), by: review.who(), material: review.material, text };
    byId("note-send").disabled = true;
    try {
      await post(note);
      review.store("material-changed", Date.now());
    } catch (error) {
      if (!error.unreachable) return complain(`${error.message} ${error.remedy || ""}`);
      keep([...all(), note]);
    } finally {
      byId("note-send").disabled = false;
    }
    byId("note-text").value = "";
    return complain("");
  };

  let isFlushing = false;
  notes.flush = async () => {
    if (isFlushing || !review.who()) return;
    isFlushing = true;
    try {
      for (const note of mine()) {
        try {
          await post(note);
        } catch (error) {
          if (error.unreachable || error.status === 503 || error.status === 401) return;
          review.notify(`The note about ${note.material} was refused: ${error.message} It said: ${note.text}`, { kind: "problem", seconds: 0 });
        }
        keep(all().filter((each) => each.key !== note.key));
      }
    } finally {
      isFlushing = false;
    }
  };
  review.onReachable((isReachable) => { if (isReachable) notes.flush(); });

  document.addEventListener("click", (event) => { if (event.target.closest("#note-send")) send(); });
  document.addEventListener("keydown", (event) => {
    if (event.target.id === "note-text" && event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
  });
})();
