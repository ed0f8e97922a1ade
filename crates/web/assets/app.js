// What makes pages live. Every page works without it.
(() => {
  "use strict";

  // The part of a page that changes by itself says after how many seconds it is updated.
  const update = () => {
    const part = document.getElementById("live");
    const seconds = Number(part?.dataset.live ?? 0);
    if (!seconds || !window.htmx) return;
    setTimeout(async () => {
      const now = document.getElementById("live");
      // Nobody's focus or selection is taken away, and nobody looks at a hidden page.
      if (now && !document.hidden && !now.contains(document.activeElement) && !now.querySelector("input:checked, details[open].pause")) {
        const here = location.pathname + location.search;
        try {
          await window.htmx.ajax("GET", here, {
            target: "#live",
            select: "#live",
            swap: "outerHTML",
            // Not the reader's doing: it must not keep their session alive.
            headers: { "X-Rollbook-Poll": "1" },
          });
        } catch {
          // The next update may succeed.
        }
      }
      update();
    }, seconds * 1000);
  };
  document.addEventListener("DOMContentLoaded", update);

  // A column's label and numbers, beside the chart while the pointer or the focus is there.
  const describe = (event) => {
    const column = event.target.closest?.("[data-summary]");
    const readout = column?.closest("figure")?.querySelector(".readout");
    if (readout) readout.textContent = column.dataset.summary;
  };
  document.addEventListener("pointerover", describe);
  document.addEventListener("focusin", describe);

  // A filter that is a list applies at once.
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("select[data-apply]")) event.target.form.requestSubmit();
  });

  // An address says what is looked for, and not what is not.
  document.addEventListener("formdata", (event) => {
    if (event.target.method !== "get") return;
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get") return;
    for (const [name, value] of Object.entries(event.detail.parameters)) {
      if (value === "") delete event.detail.parameters[name];
    }
  });

  // A form is sent once.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });
})();
