// Looks again every few seconds while somebody sees the page. Without it the pages work all the same.
(() => {
  const doc = document;
  let isAsking = false;

  const swap = (part, html) => {
    const focused = doc.activeElement?.id;
    const checked = [...part.querySelectorAll("input:checked")].map((input) => input.id);
    part.outerHTML = html;
    checked.forEach((id) => {
      const input = doc.getElementById(id);
      if (input && !input.disabled) input.checked = true;
    });
    if (focused && doc.activeElement?.id !== focused) doc.getElementById(focused)?.focus();
  };

  // A new heading is said once; figures that change are not.
  const say = (before) => {
    const heading = doc.querySelector("#story h1")?.textContent.trim();
    const said = doc.getElementById("said");
    if (said && heading && heading !== before) said.textContent = heading;
  };

  const look = async () => {
    const part = doc.querySelector("[data-poll]");
    if (!part || doc.hidden || isAsking) return;
    isAsking = true;
    try {
      const answer = await fetch(part.dataset.poll, { headers: { "HX-Request": "true" } });
      const html = answer.ok ? await answer.text() : "";
      const before = doc.querySelector("#story h1")?.textContent.trim();
      // A finger on a button keeps it in place.
      if (html && !part.querySelector(":active")) {
        swap(part, html);
        say(before);
      }
    } catch {
      // No network for the moment: the next look tries again.
    } finally {
      isAsking = false;
    }
  };

  // Where something is about to happen the page says so in data-every.
  const again = () => {
    const pause = doc.querySelector("[data-every]")?.dataset.every ?? 5000;
    setTimeout(() => look().finally(again), Number(pause));
  };
  again();
  doc.addEventListener("visibilitychange", look);
})();
