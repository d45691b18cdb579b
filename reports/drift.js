// The filters of the changes. Without this script the first cards are shown, and can be read and printed.
(() => {
  "use strict";

  const all = (selector) => [...document.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);
  const number = (value) => value.toLocaleString("en");

  const AT_ONCE = 100; // cards that are added when the end of the list comes near
  const MOST_PRINTED = 2000;

  let cards = []; // the markup of each, made where the page was made
  let texts = null; // what can be read on each, in small letters, made before the first search
  let filters = {}; // by name: the values one may choose, and which of them each card has, or -1
  let view = []; // the cards that match
  let drawn = 0; // how many of them stand in the list
  const list = one("#list");
  const search = one("#search");

  async function open() {
    const packed = Uint8Array.from(atob(one("#data").textContent), (char) => char.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const data = await new Response(stream).json();
    cards = data.cards;
    for (const [name, { values, cards: of }] of Object.entries(data.filters)) {
      const known = new Map(values.map(([id], index) => [id, index]));
      filters[name] = { values, of: Int32Array.from(of), known, chosen: new Set(), counts: new Uint32Array(values.length) };
    }
  }

  // --------------------------------------------------------------------------------------------------------------- matching

  const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&", "&#34;": '"', "&#39;": "'" };
  const readable = (card) => card.replace(/<[^>]*>/g, " ").replace(/&(?:lt|gt|amp|#34|#39);/g, (entity) => ENTITIES[entity]);
  const inSmall = () => (texts ||= cards.map((card) => readable(card).toLowerCase()));

  // Which cards match all filters; and for the counts of each filter, which match all the others.
  function judge() {
    const each = Object.values(filters);
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const readableTexts = words.length ? inSmall() : null;
    for (const filter of each) filter.counts.fill(0);
    view = [];
    for (let card = 0; card < cards.length; card++) {
      if (readableTexts && !words.every((word) => readableTexts[card].includes(word))) continue;
      const missed = each.filter(({ chosen, of }) => chosen.size && !chosen.has(of[card]));
      if (!missed.length) view.push(card);
      for (const filter of missed.length ? missed : each) {
        if (missed.length < 2 && filter.of[card] >= 0) filter.counts[filter.of[card]]++;
      }
    }
  }

  // ---------------------------------------------------------------------------------------------------------------- showing

  function draw(more = AT_ONCE) {
    const next = view.slice(drawn, drawn + more);
    list.insertAdjacentHTML("beforeend", next.map((card) => cards[card]).join(""));
    drawn += next.length;
    end.hidden = drawn >= view.length;
  }

  // A card is near as soon as the end of the list is: nothing has to be pressed.
  const end = document.createElement("p");
  end.className = "quiet";
  end.textContent = "More changes follow.";
  const watcher = new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && follow(), { rootMargin: "1500px" });

  function follow() {
    draw();
    watcher.unobserve(end);
    if (!end.hidden) watcher.observe(end);
  }

  function apply() {
    judge();
    list.replaceChildren();
    drawn = 0;
    follow();
    tell();
  }

  const isActive = () => search.value.trim() !== "" || Object.values(filters).some(({ chosen }) => chosen.size);

  function tell() {
    const total = number(cards.length);
    one("#status").textContent = isActive() ? `${number(view.length)} of ${total} changes` : `${total} changes`;
    one("#clear").hidden = !isActive();
    one("#no-match").hidden = view.length > 0 || !cards.length;
    for (const control of all("[data-filter]")) {
      const filter = filters[control.dataset.filter];
      const value = filter.known.get(control.dataset.value);
      control.setAttribute("aria-pressed", String(filter.chosen.has(value)));
      if (!control.classList.contains("chip")) continue;
      control.querySelector(".n").textContent = number(filter.counts[value]);
      control.disabled = !filter.counts[value] && !filter.chosen.has(value);
    }
    for (const select of all("[data-select]")) fill(select);
  }

  function option(value, label) {
    const element = document.createElement("option");
    element.value = value;
    element.textContent = label;
    return element;
  }

  function fill(select) {
    const { values, counts, chosen } = filters[select.dataset.select];
    const options = [option("", "any")];
    values.forEach(([, label], value) => {
      if (!counts[value] && !chosen.has(value)) return;
      const short = label.length > 60 ? `${label.slice(0, 59)}…` : label;
      options.push(option(String(value), `${short} (${number(counts[value])})`));
    });
    select.replaceChildren(...options);
    select.value = chosen.size ? String([...chosen][0]) : "";
    select.classList.toggle("chosen", chosen.size > 0);
  }

  function clear() {
    for (const { chosen } of Object.values(filters)) chosen.clear();
    search.value = "";
  }

  // ------------------------------------------------------------------------------------------------ the address of the page

  function write() {
    const parts = Object.entries(filters)
      .filter(([, { chosen }]) => chosen.size)
      .map(([name, { chosen, values }]) => `${name}=${[...chosen].map((value) => encodeURIComponent(values[value][0])).join(",")}`);
    if (search.value.trim()) parts.push(`q=${encodeURIComponent(search.value.trim())}`);
    const here = location.href.split("#")[0];
    history.replaceState(null, "", parts.length ? `${here}#${parts.join("&")}` : here);
  }

  let writing = 0;
  function changed() {
    apply();
    clearTimeout(writing);
    writing = setTimeout(write, 150);
  }

  function decoded(value) {
    try {
      return decodeURIComponent(value);
    } catch {
      return value;
    }
  }

  function read() {
    const parts = location.hash.slice(1).split("&").map((part) => part.split("="));
    if (!parts.every(([name, value]) => value !== undefined && (name in filters || name === "q"))) return;
    clear();
    for (const [name, value] of parts) {
      if (name === "q") search.value = decoded(value);
      else for (const each of value.split(",").map(decoded)) if (filters[name].known.has(each)) filters[name].chosen.add(filters[name].known.get(each));
    }
    apply();
    one("#changes").scrollIntoView();
  }

  // --------------------------------------------------------------------------------------------------------- mouse and keys

  function listen() {
    document.addEventListener("click", (event) => {
      const control = event.target.closest("[data-filter]");
      if (!control) return;
      const { chosen, known } = filters[control.dataset.filter];
      const value = known.get(control.dataset.value);
      const added = !chosen.delete(value);
      if (added) chosen.add(value);
      changed();
      if (added && "jump" in control.dataset) one("#changes").scrollIntoView();
    });
    for (const select of all("[data-select]")) {
      select.addEventListener("change", () => {
        const { chosen } = filters[select.dataset.select];
        chosen.clear();
        if (select.value !== "") chosen.add(Number(select.value));
        changed();
      });
    }
    search.addEventListener("input", changed);
    one("#clear").addEventListener("click", forget);
    addEventListener("hashchange", read);
    addEventListener("beforeprint", () => draw(MOST_PRINTED));
    document.addEventListener("keydown", (event) => {
      const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        search.focus();
        search.select();
      } else if (event.key === "Escape" && isActive()) {
        forget();
      }
    });
  }

  function forget() {
    clear();
    changed();
    search.focus();
  }

  // --------------------------------------------------------------------------------------------------------------- the start

  async function start() {
    try {
      await open();
    } catch {
      const trouble = one("#trouble");
      trouble.textContent = "This browser cannot open the list of all changes (it lacks DecompressionStream, or the file is damaged). The first are shown, and cannot be filtered.";
      trouble.hidden = false;
      return;
    }
    document.documentElement.classList.add("js");
    if (cards.length) {
      one("#more")?.remove();
      list.after(end);
      apply();
    }
    listen();
    tell();
    if (location.hash) read();
    document.documentElement.classList.add("ready");
    performance.mark("ready");
  }

  start();
})();
