// The desks: what is typed survives a reload, the lease says how long it lasts, feedback counts its sentences.
(() => {
  "use strict";

  const SENT = "draft-sent";

  const fieldsOf = (form) => [...form.elements].filter((field) => field.matches("textarea, select, input[type=text], input[type=radio], input[type=checkbox]"));
  const ticks = (field) => field.matches("[type=radio], [type=checkbox]");
  const slotOf = (field) => (field.type === "radio" ? `${field.name}=${field.value}` : field.name);

  const save = (form) => {
    const kept = Object.fromEntries(fieldsOf(form).map((field) => [slotOf(field), ticks(field) ? field.checked : field.value]));
    sessionStorage.setItem(`draft:${form.dataset.draft}`, JSON.stringify(kept));
  };

  // Once per form: what was typed since the server sent it comes back.
  const restore = (form) => {
    const kept = JSON.parse(sessionStorage.getItem(`draft:${form.dataset.draft}`) || "null");
    if (!kept || form.dataset.restored) return;
    form.dataset.restored = "yes";
    for (const field of fieldsOf(form)) {
      const value = kept[slotOf(field)];
      if (value === undefined) continue;
      if (ticks(field)) field.checked = value;
      else field.value = value;
      field.dispatchEvent(new Event("count", { bubbles: true }));
    }
  };

  const forgetSent = () => {
    const sent = sessionStorage.getItem(SENT);
    if (!sent) return;
    sessionStorage.removeItem(SENT);
    if (!document.querySelector(`[data-draft="${CSS.escape(sent)}"]`)) sessionStorage.removeItem(`draft:${sent}`);
  };

  const sentences = (text) => {
    const prose = text.replace(/`[^`]*`/g, "code").replace(/\b(?:e\.g|i\.e|etc|vs|cf|no)\./gi, "so").trim();
    const ended = prose.match(/[.!?…]+["'”’)\]]*(?=\s|$)/g) || [];
    return ended.length + (prose && !/[.!?…]["'”’)\]]*$/.test(prose) ? 1 : 0);
  };

  const count = (field) => {
    const place = document.getElementById(field.dataset.counts);
    if (!place) return;
    const number = sentences(field.value);
    place.textContent = `${number} sentence${number === 1 ? "" : "s"}`;
    place.classList.toggle("is-over", number > Number(field.dataset.sentences));
  };

  const lease = () => {
    for (const place of document.querySelectorAll("[data-lease]")) {
      const minutes = Math.ceil((new Date(place.dataset.lease) - Date.now()) / 60000);
      place.textContent = minutes > 0 ? `Yours for ${minutes} min` : "Your hold has run out; you can still decide unless someone else takes it";
      place.classList.toggle("is-over", minutes <= 0);
    }
  };

  // A field that opens for editing is gone on with at its end.
  const toTheEnd = () => {
    const field = document.activeElement;
    if (field?.matches("textarea[autofocus]")) field.setSelectionRange(field.value.length, field.value.length);
  };

  const ready = () => {
    document.querySelectorAll("form[data-draft]").forEach(restore);
    document.querySelectorAll("[data-counts]").forEach(count);
    lease();
    toTheEnd();
  };

  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form[data-draft]");
    if (form) save(form);
    if (event.target.matches?.("[data-counts]")) count(event.target);
  });
  document.addEventListener("count", (event) => { if (event.target.matches("[data-counts]")) count(event.target); });
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.draft) sessionStorage.setItem(SENT, event.target.dataset.draft);
  });
  document.addEventListener("DOMContentLoaded", () => { forgetSent(); ready(); setInterval(lease, 20000); });
  document.addEventListener("htmx:afterSettle", () => { forgetSent(); ready(); });
})();
