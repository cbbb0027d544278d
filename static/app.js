// Everything the back office does in the browser beyond htmx. Pages work without it.
(() => {
  const doc = document;
  const one = (selector) => doc.querySelector(selector);
  const dialog = one("#dlg");
  const snack = one("#snack");
  let opener = null;

  // The token travels as a header, so partials need no field of their own.
  doc.addEventListener("htmx:configRequest", (event) => {
    const token = one('meta[name="csrf-token"]');
    if (token && event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token.content;
  });

  // One form is sent once: htmx would keep a second click and send it after the first, or on the way to the next page.
  const halt = (event) => event.target.matches(".htmx-request,[data-leaving]") && (event.preventDefault(), event.stopPropagation());
  doc.addEventListener("submit", halt, true);
  doc.addEventListener("htmx:beforeOnLoad", ({ detail }) => {
    if (detail.xhr.getResponseHeader("HX-Redirect")) detail.elt.dataset.leaving = 1;
  });
  addEventListener("pageshow", () => doc.querySelectorAll("[data-leaving]").forEach((form) => delete form.dataset.leaving));

  // One dialog for all: it opens when something was swapped into it and is emptied on close.
  const focusFirstError = (root) => root.querySelector('[aria-invalid="true"]')?.focus();
  doc.addEventListener("click", (event) => {
    const link = event.target.closest('[hx-target="#dlg"]');
    if (link) opener = { link, row: link.closest("tr,li")?.id };
    if (event.target.closest("dialog [data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  doc.addEventListener("htmx:afterSwap", (event) => {
    if (dialog && event.detail.target === dialog && dialog.innerHTML.trim() && !dialog.open) dialog.showModal();
  });
  doc.addEventListener("htmx:afterSettle", (event) => event.detail.xhr?.status === 422 && focusFirstError(event.target));
  doc.addEventListener("dialog-close", () => dialog?.open && dialog.close());
  dialog?.addEventListener("close", () => {
    dialog.replaceChildren();
    if (!opener) return;
    const row = opener.row && doc.getElementById(opener.row);
    (opener.link.isConnected ? opener.link : row?.querySelector("a,button"))?.focus();
    opener = null;
  });
  // The active tab of a strip that is wider than the screen is in sight.
  const showTab = (root) =>
    root.querySelectorAll?.('.tabs [aria-current="page"]').forEach((tab) => {
      const strip = tab.parentElement;
      if (strip.scrollWidth > strip.clientWidth)
        strip.scrollLeft = tab.offsetLeft - strip.offsetLeft - (strip.clientWidth - tab.offsetWidth) / 2;
    });
  doc.addEventListener("htmx:afterSettle", (event) => showTab(event.target));
  showTab(doc);
  focusFirstError(doc);

  // Messages: HX-Trigger {"toast": "text"} or {"toast": {"text": …, "undo": url}}.
  let timer;
  const say = (text, undo) => {
    if (!snack) return;
    snack.replaceChildren(text);
    if (undo) {
      const button = doc.createElement("button");
      button.textContent = "Undo";
      button.setAttribute("hx-post", undo);
      button.setAttribute("hx-swap", "none");
      snack.append(button);
      htmx.process(button);
    }
    clearTimeout(timer);
    timer = setTimeout(() => snack.replaceChildren(), 10000);
  };
  doc.addEventListener("toast", ({ detail }) => say(detail.text ?? detail.value, detail.undo));
  doc.addEventListener("htmx:sendError", (event) => {
    if (!event.detail.elt.matches("[data-live]")) say("No answer from the server. Look at the list before you try again.");
  });
  doc.addEventListener("htmx:responseError", (event) => {
    const { status } = event.detail.xhr;
    if (event.detail.xhr.getResponseHeader("HX-Trigger")) return; // it brought its own words
    if (status === 429) say("Too many tries. Wait a minute, then try again.");
    else if (status !== 401 && !event.detail.elt.matches("[data-live]")) say("The server refused this. Reload the page and try again.");
  });

  // Live parts rest while the tab is hidden or the list is paused, and catch up on return.
  const live = () => doc.querySelectorAll("[data-live]");
  const wake = () => live().forEach((part) => htmx.trigger(part, "wake"));
  doc.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.detail.elt;
    if (part.matches("[data-live]") && (doc.hidden || part.dataset.paused)) event.preventDefault();
  });
  doc.addEventListener("visibilitychange", () => doc.hidden || wake());
  doc.addEventListener("click", (event) => {
    const button = event.target.closest("[data-live-pause]");
    if (!button) return;
    const paused = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", paused);
    button.closest(".live")?.classList.toggle("paused", paused);
    live().forEach((part) => (paused ? (part.dataset.paused = 1) : delete part.dataset.paused));
    if (!paused) wake();
  });

  // Bulk bar: the style sheet shows it, this counts and ticks all.
  doc.addEventListener("change", (event) => {
    const list = event.target.closest(".list");
    if (!list || !event.target.matches("[data-pick],[data-pick-all]")) return;
    const picks = [...list.querySelectorAll("[data-pick]")];
    if (event.target.matches("[data-pick-all]")) picks.forEach((pick) => (pick.checked = event.target.checked));
    const count = picks.filter((pick) => pick.checked).length;
    const all = list.querySelector("[data-pick-all]");
    if (all) {
      all.checked = count > 0 && count === picks.length;
      all.indeterminate = count > 0 && count < picks.length;
    }
    list.querySelectorAll("[data-pick-count]").forEach((place) => (place.textContent = count));
    list.dispatchEvent(new CustomEvent("picked", { bubbles: true }));
  });

  // Theme at once; without this the form posts and the server sets the same cookie.
  doc.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-theme-form]")) return;
    event.preventDefault();
    const now = doc.documentElement.dataset.bsTheme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    doc.documentElement.dataset.bsTheme = next;
    one('meta[name="color-scheme"]').content = next;
    event.target.elements.theme.value = next === "dark" ? "light" : "dark";
    doc.cookie = `theme=${next};path=/;max-age=31536000;samesite=lax${location.protocol === "https:" ? ";secure" : ""}`;
  });

  // Keys: "/" goes to the search field unless switched off; Escape and a click elsewhere close row menus.
  doc.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const menu = one("details.menu[open]");
      if (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    }
    const search = one("#search");
    if (event.key !== "/" || !search || search.dataset.keys === "off" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input,textarea,select,[contenteditable]") || dialog?.open) return;
    event.preventDefault();
    search.focus();
  });
  doc.addEventListener("click", (event) => {
    doc.querySelectorAll("details.menu[open]").forEach((menu) => menu.contains(event.target) || (menu.open = false));
    const copy = event.target.closest("[data-copy]");
    if (!copy) return;
    const source = one(copy.dataset.copy);
    const text = source.value ?? source.textContent.trim();
    const select = () => (source.select ? source.select() : getSelection().selectAllChildren(source));
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => say("Copied."), select);
    else select();
  });
})();
