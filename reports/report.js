// Filters what is already on the page. Without this script everything is shown and can be read, searched and printed.
(() => {
  "use strict";

  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);
  const findings = all(".finding");
  const policies = all(".policy");
  const groups = all(".group");
  const foldable = all("#policies details");
  // On a narrow screen the findings come first: what to do about them is one tap away.
  if (matchMedia("(max-width: 47.99rem)").matches) for (const how of all(".how")) how.open = false;
  const unfiltered = new Map(foldable.map((details) => [details, details.open]));
  const values = (filter) => new Set(all(`.chip[data-filter="${filter}"]`).map((chip) => chip.dataset.value));
  const known = { verdict: values("verdict"), severity: values("severity") };
  const chosen = { verdict: new Set(), severity: new Set() };
  const search = one("#search");
  const texts = new WeakMap();
  let wasActive = false;

  document.documentElement.classList.add("js");

  const isActive = () => chosen.verdict.size > 0 || chosen.severity.size > 0 || search.value.trim() !== "";

  // A finding is found by its own text and by the header of its policy.
  const textOf = (finding) => {
    if (!texts.has(finding)) {
      const header = finding.closest(".policy").querySelector("header");
      texts.set(finding, `${header.textContent} ${finding.textContent}`.toLowerCase());
    }
    return texts.get(finding);
  };

  const matches = (finding, words) =>
    (!chosen.verdict.size || chosen.verdict.has(finding.dataset.outcome)) &&
    (!chosen.severity.size || chosen.severity.has(finding.dataset.severity)) &&
    words.every((word) => textOf(finding).includes(word));

  const hasShown = (element) => element.querySelector(".finding:not([hidden])") !== null;

  function apply() {
    const active = isActive();
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const finding of findings) {
      finding.hidden = active && !matches(finding, words);
      count += finding.hidden ? 0 : 1;
    }
    for (const group of groups) {
      group.hidden = active && !hasShown(group);
      if (active && !group.hidden) group.open = true;
    }
    for (const policy of policies) policy.hidden = active && !hasShown(policy);
    if (wasActive && !active) for (const [details, open] of unfiltered) details.open = open;
    wasActive = active;
    tell(active, count);
  }

  function tell(active, count) {
    const total = Number(one("#status").dataset.total);
    one("#status").textContent = active ? `${count} of ${total} findings` : `${total} findings`;
    one("#clear").hidden = !active;
    one("#no-match").hidden = !active || count > 0;
    const chosenWords = [...chosen.verdict, ...chosen.severity, search.value.trim()].filter(Boolean).join(", ");
    one("#filtered").textContent = active ? `Filtered (${chosenWords}): ${count} of ${total} findings are shown.` : "";
    one("#filtered").hidden = !active;
    for (const button of all("[data-filter]")) {
      button.setAttribute("aria-pressed", String(chosen[button.dataset.filter].has(button.dataset.value)));
    }
  }

  function clear() {
    chosen.verdict.clear();
    chosen.severity.clear();
    search.value = "";
  }

  // ------------------------------------------------------------------------------------------------ the address of the page

  function write() {
    const parts = ["verdict", "severity"]
      .filter((filter) => chosen[filter].size)
      .map((filter) => `${filter}=${[...chosen[filter]].join(",")}`);
    if (search.value.trim()) parts.push(`q=${encodeURIComponent(search.value.trim())}`);
    const here = location.href.split("#")[0];
    history.replaceState(null, "", parts.length ? `${here}#${parts.join("&")}` : here);
  }

  function read() {
    const hash = location.hash.slice(1);
    if (/^(verdict|severity|q)=/.test(hash)) {
      clear();
      const params = new URLSearchParams(hash);
      for (const filter of ["verdict", "severity"]) {
        for (const value of (params.get(filter) || "").split(",")) if (known[filter].has(value)) chosen[filter].add(value);
      }
      search.value = params.get("q") || "";
      apply();
      one("#policies").scrollIntoView();
    } else if (hash) {
      follow(document.getElementById(hash));
    }
  }

  // A link to something that the filters hide relaxes the filters.
  function follow(target) {
    if (!target) return;
    if (target.closest("[hidden]")) {
      clear();
      apply();
    }
    for (let details = target.closest("details"); details; details = details.parentElement.closest("details")) details.open = true;
    target.scrollIntoView();
    if (target.tabIndex === -1 && target.hasAttribute("tabindex")) target.focus({ preventScroll: true });
  }

  // ------------------------------------------------------------------------------------------------------------- the buttons

  for (const button of all("[data-filter]")) {
    button.addEventListener("click", () => {
      const set = chosen[button.dataset.filter];
      const added = !set.delete(button.dataset.value);
      if (added) set.add(button.dataset.value);
      apply();
      write();
      if (added && "jump" in button.dataset) one("#policies").scrollIntoView();
    });
  }

  search.addEventListener("input", () => {
    apply();
    write();
  });

  one("#clear").addEventListener("click", () => {
    clear();
    apply();
    write();
    search.focus();
  });

  one("#toggle-all").addEventListener("click", (event) => {
    const open = foldable.some((details) => !details.hidden && !details.open);
    for (const details of foldable) details.open = open;
    event.target.textContent = open ? "Collapse all" : "Expand all";
  });

  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const done = await copy(button.dataset.copy, button);
    one("#announce").textContent = done ? "Address copied" : "The address could not be copied; it is selected now";
    button.classList.toggle("done", done);
    setTimeout(() => button.classList.remove("done"), 1500);
  });

  async function copy(text, button) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      getSelection().selectAllChildren(button.closest(".address").querySelector("code"));
      return false;
    }
  }

  // --------------------------------------------------------------------------------------------------------------- printing

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    for (const details of folded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
    folded = [];
  });

  addEventListener("hashchange", read);
  apply();
  read();
})();
