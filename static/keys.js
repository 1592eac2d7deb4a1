// Single keys for the desks. Controls name their key in data-key (from web/keys.py); nothing is named when the
// reader has turned keys off. A key never acts while someone types, and never with Ctrl, Alt or Meta but Ctrl+Enter.
(() => {
  "use strict";

  const TYPED = "textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=submit], [type=button])";
  const WRITTEN = "textarea, select, input:not([type=radio], [type=checkbox])";

  // What stands in a part with keys of its own hears them only while the reader is there.
  const isWithinReach = (control) => {
    const part = control.closest("[data-own-keys]");
    return !part || part.contains(document.activeElement);
  };

  // The control nearest to where the reader is: in the same form, then in the same turn, then anywhere.
  const controlFor = (press) => {
    const controls = [...document.querySelectorAll(`[data-key~="${CSS.escape(press)}"]`)]
      .filter((control) => control.checkVisibility() && !control.disabled && isWithinReach(control));
    const here = document.activeElement;
    for (const place of [here?.closest("form"), here?.closest(".turn")]) {
      const near = place && controls.find((control) => place.contains(control));
      if (near) return near;
    }
    return controls[0];
  };

  const use = (control) => {
    if (control.matches(WRITTEN)) return control.focus();
    if (control.matches("[type=radio], [type=checkbox]")) control.focus();
    control.click();
  };

  const moveTurn = (press) => {
    const list = document.querySelector("[data-down]");
    if (!list || !list.dataset.down || (press !== list.dataset.down && press !== list.dataset.up)) return false;
    const turns = [...list.querySelectorAll(".turn")];
    const at = turns.indexOf(document.activeElement?.closest(".turn"));
    const to = press === list.dataset.down ? at + 1 : at - 1;
    const beyond = document.querySelector(`.pager a[rel=${to < 0 ? "prev" : "next"}]`);
    if (turns[to]) turns[to].focus();
    else if (beyond && at >= 0) beyond.click();
    else turns.at(to < 0 ? 0 : -1)?.focus();
    return true;
  };

  const leaveField = () => {
    const field = document.activeElement;
    field.blur();
    (field.closest(".turn") || document.getElementById("item-heading"))?.focus({ preventScroll: true });
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.repeat || event.altKey || event.metaKey) return;
    if (document.querySelector("dialog[open]")) return;
    const target = event.target;
    const typing = target.matches?.(TYPED);
    if (event.ctrlKey) {
      const control = event.key === "Enter" && controlFor("Control+Enter");
      if (control) { event.preventDefault(); use(control); }
      return;
    }
    if (event.key === "Escape") {
      if (typing && document.querySelector("[data-leave=Escape]")) leaveField();
      return;
    }
    if (typing) return;
    // Arrows belong to radio buttons and to whatever scrolls sideways.
    if (event.key.startsWith("Arrow") && target.closest?.("[type=radio], pre, .table-scroll")) return;
    if (moveTurn(event.key)) return event.preventDefault();
    const control = controlFor(event.key);
    if (!control) return;
    event.preventDefault();
    use(control);
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest?.("[data-opens]");
    const sheet = opener && document.getElementById(opener.dataset.opens);
    if (!sheet) return;
    sheet.showModal();
    sheet.querySelector("button").focus();
  });
})();
