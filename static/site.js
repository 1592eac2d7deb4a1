// What every page shares: fixed notices that go by themselves, polling that rests in a hidden tab,
// forms that cannot be sent twice, and failures told in the live region. Pages work without it.
(() => {
  "use strict";

  const NOTICE_SECONDS = 8;
  document.documentElement.classList.add("has-script");

  const tell = (words) => {
    const live = document.getElementById("live");
    if (live) live.textContent = words;
  };

  const warn = (words) => {
    const notices = document.getElementById("notices");
    if (!notices) return;
    const notice = document.createElement("div");
    notice.className = "notice bad";
    notice.setAttribute("role", "alert");
    const text = document.createElement("p");
    text.textContent = words;
    notice.append(text);
    notices.append(notice);
    dressNotices();
  };

  // Good news leaves after a while unless someone points at it; bad news stays until it is closed.
  const dressNotices = () => {
    for (const notice of document.querySelectorAll("#notices > .notice:not([data-dressed])")) {
      notice.dataset.dressed = "";
      const close = document.createElement("button");
      close.type = "button";
      close.className = "button quiet small";
      close.textContent = "Close";
      close.addEventListener("click", () => notice.remove());
      notice.append(close);
      if (!notice.classList.contains("bad")) leaveLater(notice);
    }
  };

  const leaveLater = (notice) => {
    const leave = () => {
      if (notice.matches(":hover, :focus-within")) setTimeout(leave, 1000);
      else notice.remove();
    };
    setTimeout(leave, NOTICE_SECONDS * 1000);
  };

  // <div data-poll="2" hx-trigger="poll" …>: asks every two seconds while the tab is looked at.
  const poll = () => {
    if (document.hidden) return;
    const now = Date.now();
    for (const place of document.querySelectorAll("[data-poll]")) {
      // A place that has just come asks for itself after one whole pause.
      place.dataset.polledAt ??= String(now);
      const due = Number(place.dataset.polledAt) + Number(place.dataset.poll) * 1000;
      if (now < due || place.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) continue;
      place.dataset.polledAt = String(now);
      window.htmx?.trigger(place, "poll");
    }
  };

  const failureWords = (status) => {
    if (status === 401) return "Your session has ended. Log in again in another tab; what you typed stays here.";
    if (status === 403) return "You may not do that, or this page is too old. Reload it and try again.";
    if (status === 404) return "That is no longer there. Reload the page.";
    return `The server answered ${status}. Nothing was changed; try again.`;
  };

  document.addEventListener("DOMContentLoaded", () => {
    dressNotices();
    for (const current of document.querySelectorAll(".rooms [aria-current]")) {
      current.scrollIntoView({ block: "nearest", inline: "center" });
    }
    for (const field of document.querySelectorAll("form[data-send-on-change]")) {
      field.addEventListener("change", (event) => { if (event.target.matches("select, input[type=checkbox], input[type=radio]")) field.requestSubmit(); });
    }
    setInterval(poll, 500);
  });

  // A file above the server's limit is told before it is sent; the server counts all the same.
  document.addEventListener("submit", (event) => {
    const input = event.target.querySelector("input[type=file][data-limit]");
    const file = input?.files[0];
    if (!file || file.size <= Number(input.dataset.limit)) return;
    event.preventDefault();
    const words = document.createElement("p");
    words.textContent = `${file.name} has ${file.size.toLocaleString("en")} bytes; the limit for a file from the browser is ${Number(input.dataset.limit).toLocaleString("en")}.`;
    document.getElementById(`${input.id}_error`).replaceChildren(words);
    input.setAttribute("aria-invalid", "true");
  });

  // A form that left the page cannot be sent again; coming back by the history frees it.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("button[type=submit], button:not([type])")) button.setAttribute("aria-disabled", "true");
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
    }
  });

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  // Filters that are not set stay out of the address.
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get") return;
    const { parameters } = event.detail;
    for (const [name, value] of Object.entries(parameters)) if (value === "") delete parameters[name];
  });

  document.addEventListener("htmx:afterSettle", dressNotices);
  document.addEventListener("htmx:responseError", (event) => warn(failureWords(event.detail.xhr.status)));
  document.addEventListener("htmx:sendError", () => warn("The server cannot be reached. What you typed stays here; try again."));
  document.addEventListener("studio:tell", (event) => tell(event.detail.words));
})();
