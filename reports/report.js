// The table of all findings, and the filters. Without this script the rest of the page is shown, and can be read and printed.
(() => {
  "use strict";

  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const one = (selector, from = document) => from.querySelector(selector);
  const number = (value) => value.toLocaleString("en");

  // ---------------------------------------------------------------------------------------------- the elements of the page

  const SVG = "http://www.w3.org/2000/svg";

  // Text becomes text and nothing else: whatever stands in a report was written by others.
  function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(key, value);
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  function mark(outcome) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", `mark ${outcome}`);
    svg.setAttribute("aria-hidden", "true");
    svg.append(document.createElementNS(SVG, "use"));
    svg.firstChild.setAttribute("href", `#mark-${outcome}`);
    return svg;
  }

  const spoken = (text) => make("span", { class: "sr" }, text);
  const badge = (severity) => make("span", { class: `badge ${severity}` }, spoken("severity "), severity);
  const source = (id) => {
    const [name, label, meaning] = data.sources[id - 1];
    return make("span", { class: `source ${name}`, title: meaning }, label);
  };

  function text(value, name = "bdi", more = "") {
    const long = value.length > 240;
    const attributes = { class: `text${more && ` ${more}`}${long ? " long" : ""}`, dir: name === "code" ? "ltr" : null };
    return make(name, { ...attributes, tabindex: long ? "0" : null }, value);
  }

  // What stands between backticks is code.
  function prose(value) {
    const parts = value.split(/`([^`]+)`/);
    return make("bdi", {}, ...parts.map((part, index) => (index % 2 ? make("code", {}, part) : part)));
  }

  function link(href, ...children) {
    if (!/^https?:\/\//i.test(href)) return make("span", {}, ...children);
    return make("a", { href, rel: "noopener noreferrer" }, ...children);
  }

  // ---------------------------------------------------------------------------------------------------------------- the data

  const COLUMNS = ["policy", "outcome", "severity", "source", "reason", "baseline", "waiver"];
  const TEXTS = ["address", "name", "message", "because", "hint", "site", "console"];
  const FACTS = ["fact", "of", "wanted", "seen", "why"];

  let data = null; // as it was written
  let rows = 0; // how many findings there are
  const column = {}; // by name: what each finding has there; of texts and lists, which
  const facts = {}; // by name: what each fact has there
  const lists = []; // which facts stand together
  let lower = null; // every text in small letters, made before the first search

  async function open() {
    const packed = Uint8Array.from(atob(one("#data").textContent), (char) => char.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    data = await new Response(stream).json();
  }

  // 0 stands for the next that was not told before. So it has to be read in the order in which it was written.
  function unfold() {
    const { findings, lengths, members } = data;
    rows = findings.policy.length;
    for (const name of COLUMNS) column[name] = Uint16Array.from(findings[name]);
    for (const name of [...TEXTS, "clauses", "context"]) column[name] = new Uint32Array(rows);
    for (const name of [...FACTS, "source", "known"]) facts[name] = [];
    let [told, member] = [0, 0];
    const textAt = (code) => (code ? code - 1 : told++);
    const factAt = (code) => {
      if (code) return code - 1;
      const next = facts.fact.length;
      for (const name of FACTS) facts[name].push(textAt(data.facts[name][next]));
      return next;
    };
    const listAt = (code) => {
      if (code) return code - 1;
      const length = lengths[lists.length];
      const next = lists.length;
      lists.push(null);
      lists[next] = members.slice(member, (member += length)).map(factAt);
      return next;
    };
    for (let row = 0; row < rows; row++) {
      for (const name of TEXTS) column[name][row] = textAt(findings[name][row]);
      column.clauses[row] = listAt(findings.clauses[row]);
      column.context[row] = listAt(findings.context[row]);
    }
    facts.source = data.facts.source;
    facts.known = data.facts.known;
  }

  const at = (name, row) => data.texts[column[name][row]];
  const policyOf = (row) => data.policies[column.policy[row]];
  const outcomeOf = (row) => data.outcomes[column.outcome[row]];
  const severityOf = (row) => data.severities[column.severity[row]];
  const encoded = (path) => path.split("/").map(encodeURIComponent).join("/");
  const anchorOf = (row) => data.anchors[row] || `finding/${encoded(`${policyOf(row).id}/${at("address", row)}`)}`;

  // ------------------------------------------------------------------------------------------------------------- the filters

  // By name: the values one may choose, what each finding has there, and for what has several or none, which values that is.
  const filters = {};

  function setUp() {
    const sites = new Map();
    const site = Uint16Array.from({ length: rows }, (_, row) => {
      const name = at("site", row);
      if (!sites.has(name)) sites.set(name, sites.size);
      return sites.get(name);
    });
    const ofPolicy = (of) => data.policies.map(of);
    const plain = (values) => values.map((value) => [value, value]);
    const doors = data.doors.map(([id]) => id);
    const areas = [...new Set(ofPolicy((policy) => policy.area))].sort();
    // Of a framework one may choose any control, or a single one.
    const controls = data.frameworks.flatMap(([id, title, ids]) => [[id, "any control", title], ...ids.map((control) => [`${id}:${control}`, control, title])]);
    const places = new Map(controls.map(([id], place) => [id, place]));
    const frameworks = new Map(data.frameworks.flatMap(([id, , ids]) => ids.map((control) => [`${id}:${control}`, id])));
    const served = ({ controls: own }) => [...new Set(own.flatMap((id) => [frameworks.get(id), id]))].map((id) => places.get(id));
    filters.verdict = filter(data.outcomes, column.outcome);
    filters.severity = filter(plain(data.severities), column.severity);
    filters.door = filter(data.doors, column.policy, ofPolicy((policy) => [doors.indexOf(policy.door)]));
    filters.area = filter(plain(areas), column.policy, ofPolicy((policy) => [areas.indexOf(policy.area)]));
    filters.policy = filter(data.policies.map((policy) => [policy.id, `${policy.id}: ${policy.title}`]), column.policy);
    filters.control = filter(controls, column.policy, ofPolicy((policy) => served(policy).filter((place) => place !== undefined)));
    filters.site = filter([...sites.keys()].map((name) => [name || "none", name || "the organization"]), site);
    filters.source = filter([["none", "nothing seen"], ...data.sources], column.source);
    filters.baseline = filter([["none", "not compared"], ...plain(data.baselines)], column.baseline);
  }

  // `has` lists the values of each code in `codes`; without it the codes are the values.
  function filter(values, codes, has = values.map((_, index) => [index])) {
    const known = new Map(values.map(([id], index) => [id, index]));
    return { values, codes, has, known, chosen: new Set(), counts: new Uint32Array(values.length) };
  }

  const search = one("#search");
  let matched = new Uint8Array(0);
  let view = new Uint32Array(0); // the findings that are shown, in the order in which they are
  const isActive = () => search.value.trim() !== "" || Object.values(filters).some((each) => each.chosen.size);

  // Which findings match all filters; and for the counts of each filter, which match all the others.
  function judge() {
    const each = Object.values(filters);
    const allowed = each.map(({ has, chosen }) => Uint8Array.from(has, (own) => !chosen.size || own.some((value) => chosen.has(value))));
    const tallies = each.map(({ has }) => new Uint32Array(has.length));
    const codes = each.map((filter) => filter.codes);
    const found = hits();
    matched = new Uint8Array(rows);
    let count = 0;
    for (let row = 0; row < rows; row++) {
      if (found && !found[row]) continue;
      let missed = -1;
      let index = 0;
      for (; index < codes.length; index++) {
        if (allowed[index][codes[index][row]]) continue;
        if (missed >= 0) break;
        missed = index;
      }
      if (index < codes.length) continue;
      if (missed >= 0) {
        tallies[missed][codes[missed][row]]++;
        continue;
      }
      matched[row] = 1;
      count++;
      for (index = 0; index < codes.length; index++) tallies[index][codes[index][row]]++;
    }
    each.forEach((filter, index) => {
      filter.counts.fill(0);
      filter.has.forEach((own, code) => own.forEach((value) => (filter.counts[value] += tallies[index][code])));
    });
    return count;
  }

  const inSmall = () => (lower ||= data.texts.map((each) => each.toLowerCase()));

  // A word is looked for in each text once, and then in what consists of texts. Every word has to stand somewhere in a finding.
  function hits() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return null;
    const texts = inSmall();
    const found = new Uint8Array(rows).fill(1);
    for (const word of words) {
      const inText = Uint8Array.from(texts, (each) => each.includes(word));
      const inFact = Uint8Array.from(facts.fact, (_, fact) => FACTS.some((name) => inText[facts[name][fact]]));
      const inList = Uint8Array.from(lists, (list) => list.some((fact) => inFact[fact]));
      const inPolicy = Uint8Array.from(data.policies, (each) => `${each.id} ${each.title}`.toLowerCase().includes(word));
      const inWaiver = Uint8Array.from([[], ...data.waivers], (each) => each.join(" ").toLowerCase().includes(word));
      const columns = TEXTS.filter((name) => name !== "console").map((name) => column[name]);
      for (let row = 0; row < rows; row++) {
        if (!found[row] || inPolicy[column.policy[row]] || inWaiver[column.waiver[row]]) continue;
        if (inList[column.clauses[row]] || inList[column.context[row]]) continue;
        found[row] = columns.some((of) => inText[of[row]]);
      }
    }
    return found;
  }

  // --------------------------------------------------------------------------------------------------------------- the order

  const BY = {
    verdict: (row) => column.outcome[row],
    severity: (row) => -column.severity[row],
    resource: (row) => at("name", row).toLowerCase(),
    policy: (row) => policyOf(row).title.toLowerCase(),
    site: (row) => at("site", row),
    area: (row) => policyOf(row).area,
    source: (row) => column.source[row],
    since: (row) => column.baseline[row],
    waiver: (row) => (column.waiver[row] ? data.waivers[column.waiver[row] - 1][3] : "~"),
  };
  const orders = new Map(); // by name: all findings in that order
  const sorting = { by: "", down: false };

  function order(by) {
    if (!by) return null;
    if (!orders.has(by)) {
      const keys = Array.from({ length: rows }, (_, row) => BY[by](row));
      const compare = (a, b) => (keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : a - b);
      orders.set(by, Uint32Array.from({ length: rows }, (_, row) => row).sort(compare));
    }
    return orders.get(by);
  }

  function arrange(count) {
    const ordered = order(sorting.by);
    view = new Uint32Array(count);
    let place = 0;
    for (let index = 0; index < rows; index++) {
      const row = ordered ? ordered[sorting.down ? rows - 1 - index : index] : index;
      if (matched[row]) view[place++] = row;
    }
  }

  // --------------------------------------------------------------------------------------------------------------- the table

  const grid = one("#grid");
  const MOST = 300000; // rows: beyond some 17 million pixels, a browser does not scroll
  const AROUND = 8; // rows that are there before they come into sight

  let columns = [];
  let body = null;
  let height = 48; // of a row
  let active = 0; // the place that the keys move
  let opened = -1; // the finding whose card is open
  let openedAt = -1;
  let cardHeight = 0;
  const drawn = new Map(); // by place

  const length = () => Math.min(view.length, MOST);
  const topOf = (place) => place * height + (openedAt >= 0 && place > openedAt ? cardHeight : 0);

  function layTable() {
    const waived = data.waivers.length > 0;
    columns = [
      ["verdict", "Verdict", (row) => [mark(outcomeOf(row)[0]), make("span", { class: "word" }, outcomeOf(row)[1])]],
      ["severity", "Severity", (row) => [badge(severityOf(row))]],
      ["resource", "Resource", resourceCell],
      ["policy", "Policy", (row) => [text(brief(policyOf(row).title), "bdi", "two-lines")]],
      ["site", "Site", (row) => [text(brief(at("site", row)) || "–")]],
      ["area", "Area", (row) => [text(brief(policyOf(row).area))]],
      ["source", "Source", (row) => [column.source[row] ? source(column.source[row]) : make("span", { class: "none" }, "–")]],
      ["since", "Since", (row) => [column.baseline[row] ? state(data.baselines[column.baseline[row] - 1]) : ""], data.compared],
      ["waiver", "Waived", (row) => [column.waiver[row] ? `until ${data.waivers[column.waiver[row] - 1][3]}` : ""], waived],
    ].filter((each) => each[3] !== false);
    const head = make("div", { role: "row", class: "row head", "aria-rowindex": "1" });
    for (const [name, title] of columns) {
      const button = make("button", { type: "button", "data-sort": name }, title);
      head.append(make("div", { role: "columnheader", class: `cell of-${name}` }, button));
    }
    body = make("div", { role: "rowgroup", class: "body" });
    const size = `${data.compared ? "compared" : ""} ${waived ? "waived" : ""}`;
    grid.className = `grid ${size}`;
    grid.append(make("div", { role: "rowgroup", class: "heads" }, head), body);
    grid.setAttribute("aria-colcount", columns.length);
  }

  const brief = (value) => (value.length > 200 ? `${value.slice(0, 199)}…` : value);
  const state = (word) => make("span", { class: `state ${word}` }, word);

  function resourceCell(row) {
    const name = text(brief(at("name", row) || at("address", row)));
    const button = make("button", { type: "button", class: "opener", "aria-expanded": "false", tabindex: "-1" }, name);
    return [button, text(brief(at("address", row)), "code", "second")];
  }

  function drawRow(place) {
    const row = view[place];
    const element = make("div", { role: "row", class: `row ${outcomeOf(row)[0]}`, "aria-rowindex": String(place + 2) });
    for (const [name, , cell] of columns) {
      element.append(make("div", { role: name === "resource" ? "rowheader" : "cell", class: `cell of-${name}` }, ...cell(row)));
    }
    element.place = place;
    element.style.top = `${topOf(place)}px`;
    if (row === opened) unfoldRow(element, row);
    return element;
  }

  function unfoldRow(element, row) {
    element.classList.add("opened");
    one(".opener", element).setAttribute("aria-expanded", "true");
    element.append(make("div", { role: "cell", class: "card", "aria-colspan": String(columns.length) }, card(row)));
  }

  // Rows that stay in sight are left alone, so that none loses the focus.
  function draw() {
    const from = Math.max(0, placeAt(grid.scrollTop) - AROUND);
    const to = Math.min(length(), placeAt(grid.scrollTop + grid.clientHeight) + AROUND + 1);
    for (const [place, element] of drawn) {
      if ((place < from || place >= to) && !element.contains(document.activeElement)) {
        element.remove();
        drawn.delete(place);
      }
    }
    for (let place = from; place < to; place++) if (!drawn.has(place)) drawn.set(place, drawRow(place));
    let before = body.firstChild;
    for (const place of [...drawn.keys()].sort((a, b) => a - b)) {
      const element = drawn.get(place);
      if (element === before) before = before.nextSibling;
      else body.insertBefore(element, before);
      one(".opener", element).tabIndex = place === active ? 0 : -1;
    }
    measure();
  }

  function placeAt(top) {
    if (openedAt < 0 || top < (openedAt + 1) * height) return Math.floor(top / height);
    return Math.max(openedAt, Math.floor((top - cardHeight) / height));
  }

  // The card of an open row is as high as it is: what follows moves down.
  function measure() {
    const shown = one(".card", body);
    if (shown) cardHeight = shown.offsetHeight;
    body.style.height = `${length() * height + (openedAt >= 0 ? cardHeight : 0)}px`;
    for (const [place, element] of drawn) element.style.top = `${topOf(place)}px`;
  }

  function redraw() {
    for (const element of drawn.values()) element.remove();
    drawn.clear();
    openedAt = opened < 0 || !matched[opened] ? -1 : view.indexOf(opened);
    if (openedAt < 0 || openedAt >= length()) opened = openedAt = -1;
    if (openedAt < 0) cardHeight = 0;
    active = Math.max(0, Math.min(openedAt < 0 ? active : openedAt, length() - 1));
    body.style.height = `${length() * height + cardHeight}px`;
    grid.setAttribute("aria-rowcount", length() + 1);
    draw();
  }

  function toggle(place) {
    const row = view[place];
    const wasOpen = row === opened;
    opened = wasOpen ? -1 : row;
    active = place;
    redraw();
    focusOn(place);
  }

  function focusOn(place) {
    active = Math.max(0, Math.min(place, length() - 1));
    const top = topOf(active);
    const head = one(".heads", grid).offsetHeight;
    if (top < grid.scrollTop) grid.scrollTop = top;
    else if (top + height > grid.scrollTop + grid.clientHeight - head) grid.scrollTop = top + height - grid.clientHeight + head;
    draw();
    one(".opener", drawn.get(active))?.focus({ preventScroll: true });
  }

  function show(row) {
    opened = row;
    redraw();
    grid.scrollTop = topOf(openedAt);
    draw();
    one("#findings").scrollIntoView();
    one(".opener", drawn.get(openedAt))?.focus({ preventScroll: true });
  }

  // ---------------------------------------------------------------------------------------------------------------- the card

  function card(row) {
    const [outcome, label] = outcomeOf(row);
    const severity = severityOf(row);
    const isNews = ["fail", "unknown", "waived"].includes(outcome);
    const anchor = anchorOf(row);
    const tags = [
      isNews ? badge(severity) : null,
      column.baseline[row] ? state(data.baselines[column.baseline[row] - 1]) : null,
      column.reason[row] ? make("span", { class: "tag" }, data.reasons[column.reason[row] - 1]) : null,
      column.source[row] ? make("span", { class: "rests" }, spoken("rests on: "), source(column.source[row])) : null,
    ];
    const self = make("a", { class: "self", href: `#${anchor}`, title: "Link to this finding" }, make("span", { "aria-hidden": "true" }, "#"), spoken("Link to this finding"));
    const copier = make("button", { class: "copy", type: "button", "data-copy": at("address", row) }, "Copy", spoken(" address"));
    const consoleLink = at("console", row) && link(at("console", row), "Open in the console ", make("span", { "aria-hidden": "true" }, "↗"));
    const policy = policyOf(row);
    return make(
      "article",
      { class: `finding ${outcome}`, "data-row": String(row) },
      make("header", {}, make("h3", {}, mark(outcome), spoken(`${label}: `), text(at("name", row), "bdi", "name")), make("p", { class: "tags" }, ...tags)),
      make("p", { class: "address" }, text(at("address", row), "code"), " ", copier, " ", self),
      make("p", { class: "message" }, text(at("message", row)), consoleLink ? " " : null, consoleLink || null),
      at("because", row) ? make("p", { class: "because" }, make("b", {}, `Why ${severity}:`), " ", text(at("because", row))) : null,
      factTable(lists[column.clauses[row]], lists[column.context[row]]),
      at("hint", row) ? make("p", { class: "hint" }, make("b", {}, "What would help:"), " ", prose(at("hint", row))) : null,
      column.waiver[row] ? waiverBox(data.waivers[column.waiver[row] - 1]) : null,
      make("p", { class: "leads" }, make("a", { href: `#${policy.anchor}` }, "Why it matters, and what to do: ", text(policy.title)), ...others(row)),
    );
  }

  // What else was found of the same resource.
  function others(row) {
    const more = column.address.reduce((count, address) => count + (address === column.address[row]), -1);
    if (!more) return [];
    const said = `${number(more)} more ${more === 1 ? "finding" : "findings"} on this resource`;
    return [make("a", { href: `#q=${encodeURIComponent(at("address", row))}` }, said)];
  }

  function factTable(clauses, context) {
    if (!clauses.length && !context.length) return null;
    const fact = (name, index) => data.texts[facts[name][index]];
    const said = (index) => (facts.source[index] ? source(facts.source[index]) : make("span", { class: "none" }, "–"));
    const head = make("tr", {}, ...["Fact", "Wanted", "Seen", "Source"].map((title) => make("th", { scope: "col" }, title)));
    const table = make("table", { class: "facts" }, make("thead", {}, head));
    const clauseRow = (index) => {
      const of = fact("of", index) ? make("span", { class: "of" }, "of ", text(fact("of", index), "code")) : null;
      const why = fact("why", index) ? make("span", { class: "why" }, text(fact("why", index))) : null;
      const seen = facts.known[index] ? [text(fact("seen", index))] : [make("i", {}, "not known"), why && " ", why];
      return make(
        "tr",
        {},
        make("th", { scope: "row" }, text(fact("fact", index), "code"), of && " ", of),
        make("td", { "data-label": "Wanted" }, text(fact("wanted", index))),
        make("td", { "data-label": "Seen", class: "seen" }, ...seen),
        make("td", { "data-label": "Source" }, said(index)),
      );
    };
    const contextRow = (index) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, text(fact("fact", index), "code")),
        make("td", { colspan: "2", "data-label": "Seen" }, text(fact("seen", index))),
        make("td", { "data-label": "Source" }, said(index)),
      );
    if (clauses.length) table.append(make("tbody", {}, ...clauses.map(clauseRow)));
    if (context.length) {
      const also = make("tr", { class: "also" }, make("th", { scope: "rowgroup", colspan: "4" }, "Also seen"));
      table.append(make("tbody", { class: "context" }, also, ...context.map(contextRow)));
    }
    return table;
  }

  function waiverBox([reason, owner, approver, expires, ticket]) {
    const until = make("b", {}, "Waived until ", make("time", { datetime: expires }, expires));
    const by = make("p", { class: "quiet" }, "Owner ", text(owner), ", approved by ", text(approver));
    if (ticket) by.append(", ticket ", /^https?:\/\/[^\s]+$/i.test(ticket) ? link(ticket, make("bdi", {}, ticket)) : text(ticket));
    return make(
      "div",
      { class: "waiver" },
      make("p", {}, mark("waived"), " ", until, " ", make("span", { class: "quiet" }, data.until[expires])),
      make("p", {}, text(reason)),
      by,
    );
  }

  // ------------------------------------------------------------------------------------------- what the filters do to the page

  const cards = all("#policies [data-row]");
  const groups = all("#policies .group");
  const policies = all("#policies .policy");
  const foldable = all("#policies details");
  // On a narrow screen the findings come first: what to do about them is one tap away.
  if (matchMedia("(max-width: 47.99rem)").matches) for (const how of all(".how")) how.open = false;
  const unfiltered = new Map(foldable.map((details) => [details, details.open]));
  let wasActive = false;

  function apply() {
    const count = judge();
    arrange(count);
    redraw();
    grid.scrollTop = 0;
    const active = isActive();
    sift(active);
    tell(active, count);
    wasActive = active;
  }

  // A policy stays if any finding of it matches, though none of its cards may be among those in the markup.
  function sift(active) {
    const left = new Uint32Array(data.policies.length);
    for (const row of view) left[column.policy[row]]++;
    for (const each of cards) each.hidden = active && !matched[Number(each.dataset.row)];
    for (const group of groups) {
      group.hidden = active && !one("[data-row]:not([hidden])", group);
      if (active && !group.hidden) group.open = true;
    }
    for (const policy of policies) {
      const count = left[filters.policy.known.get(policy.dataset.policy)];
      const more = count - all("[data-row]:not([hidden])", policy).length;
      policy.hidden = active && !count;
      const elsewhere = one(".elsewhere", policy);
      elsewhere.textContent = `${number(more)} more that ${more === 1 ? "matches is" : "match are"} in the table above.`;
      elsewhere.hidden = !active || more <= 0;
    }
    if (wasActive && !active) for (const [details, isOpen] of unfiltered) details.open = isOpen;
  }

  function tell(active, count) {
    const said = active ? `${number(count)} of ${number(rows)} findings` : `${number(rows)} findings`;
    one("#status").textContent = count > MOST ? `${said}, the first ${number(MOST)} in the table` : said;
    one("#clear").hidden = !active;
    one("#no-match").hidden = count > 0 || !rows;
    one(".table").hidden = !count;
    const chosen = Object.values(filters).flatMap((filter) => [...filter.chosen].map((value) => filter.values[value][1]));
    const words = [...chosen, search.value.trim()].filter(Boolean).join(", ");
    one("#filtered").textContent = active ? `Filtered (${words}): ${said} match; only policies among them are shown.` : "";
    one("#filtered").hidden = !active;
    for (const control of all("[data-filter]")) {
      const filter = filters[control.dataset.filter];
      const value = filter.known.get(control.dataset.value);
      if (control.tagName === "BUTTON") control.setAttribute("aria-pressed", String(filter.chosen.has(value)));
      if (control.classList.contains("chip")) {
        one(".n", control).textContent = number(filter.counts[value]);
        control.disabled = !filter.counts[value] && !filter.chosen.has(value);
      }
      if (control.closest(".door")) control.closest(".door").classList.toggle("chosen", filter.chosen.has(value));
    }
    for (const select of all("select", one("#selects"))) fill(select);
    for (const button of all("[data-sort]")) {
      const by = button.dataset.sort === sorting.by;
      button.parentElement.setAttribute("aria-sort", by ? (sorting.down ? "descending" : "ascending") : "none");
    }
  }

  const TITLES = { policy: "Policy", door: "Door", area: "Area", control: "Control", site: "Site", source: "Source", baseline: "Since" };

  function laySelects() {
    for (const [name, title] of Object.entries(TITLES)) {
      if (filters[name].values.length < 2 || (name === "baseline" && !data.compared)) continue;
      const select = make("select", { "data-select": name });
      one("#selects").append(make("label", {}, make("span", {}, title), select));
      select.addEventListener("change", () => {
        filters[name].chosen.clear();
        if (select.value !== "") filters[name].chosen.add(Number(select.value));
        apply();
        write();
      });
    }
  }

  // One may choose what would leave something; several values of one filter come from an address only.
  function fill(select) {
    const filter = filters[select.dataset.select];
    const options = [make("option", { value: "" }, filter.chosen.size > 1 ? `${filter.chosen.size} chosen` : "any")];
    let group = null;
    filter.values.forEach(([, label, of], value) => {
      if (!filter.counts[value] && !filter.chosen.has(value)) return;
      if (of && group?.label !== of) options.push((group = make("optgroup", { label: of })));
      const short = label.length > 60 ? `${label.slice(0, 59)}…` : label;
      (of ? group : { append: (option) => options.push(option) }).append(make("option", { value: String(value) }, `${short} (${number(filter.counts[value])})`));
    });
    select.replaceChildren(...options);
    select.value = filter.chosen.size === 1 ? String([...filter.chosen][0]) : "";
    select.classList.toggle("chosen", filter.chosen.size > 0);
  }

  function clear() {
    for (const filter of Object.values(filters)) filter.chosen.clear();
    search.value = "";
  }

  function choose(control) {
    const { filter: name, value, andVerdict, only } = control.dataset;
    const { chosen, known } = filters[name];
    if (!known.has(value)) return false;
    if (control.tagName === "A") {
      if (only !== undefined) clear();
      chosen.clear();
    }
    const added = !chosen.delete(known.get(value));
    if (added) chosen.add(known.get(value));
    if (andVerdict) filters.verdict.chosen.add(filters.verdict.known.get(andVerdict));
    apply();
    write();
    if (added && "jump" in control.dataset) one("#findings").scrollIntoView();
    return true;
  }

  // ------------------------------------------------------------------------------------------------ the address of the page

  // A browser takes its time for this, so it waits until the reader pauses.
  let writing = 0;
  function write() {
    clearTimeout(writing);
    writing = setTimeout(writeNow, 150);
  }

  function writeNow() {
    const parts = Object.entries(filters)
      .filter(([, filter]) => filter.chosen.size)
      .map(([name, { chosen, values }]) => `${name}=${[...chosen].map((value) => encodeURIComponent(values[value][0])).join(",")}`);
    if (search.value.trim()) parts.push(`q=${encodeURIComponent(search.value.trim())}`);
    if (sorting.by) parts.push(`sort=${sorting.down ? "-" : ""}${sorting.by}`);
    const here = location.href.split("#")[0];
    history.replaceState(null, "", parts.length ? `${here}#${parts.join("&")}` : here);
  }

  function read() {
    clearTimeout(writing);
    const hash = location.hash.slice(1);
    const parts = hash.split("&").map((part) => part.split("="));
    if (hash && parts.every(([name, ...value]) => value.length && (name in filters || name === "q" || name === "sort"))) {
      restore(parts);
    } else if (hash) {
      follow(hash);
    }
  }

  function restore(parts) {
    clear();
    for (const [name, value] of parts) {
      if (name === "q") search.value = decoded(value);
      else if (name === "sort") Object.assign(sorting, { down: value.startsWith("-"), by: sortable(value.replace(/^-/, "")) });
      else for (const each of value.split(",").map(decoded)) if (filters[name].known.has(each)) filters[name].chosen.add(filters[name].known.get(each));
    }
    apply();
    one("#findings").scrollIntoView();
  }

  const sortable = (name) => (columns.some(([known]) => known === name) ? name : "");

  function decoded(value) {
    try {
      return decodeURIComponent(value);
    } catch {
      return value;
    }
  }

  // A link to something that the filters hide relaxes the filters; one to a finding that has no card on the page opens it in the table.
  function follow(hash) {
    const target = document.getElementById(hash) || document.getElementById(decoded(hash));
    if (!target) {
      const row = rowOf(hash);
      if (row < 0) return;
      if (!matched[row]) {
        clear();
        apply();
      }
      show(row);
      return;
    }
    if (target.closest("[hidden]")) {
      clear();
      apply();
    }
    for (let details = target.closest("details"); details; details = details.parentElement.closest("details")) details.open = true;
    target.scrollIntoView();
    if (target.tabIndex === -1 && target.hasAttribute("tabindex")) target.focus({ preventScroll: true });
  }

  function rowOf(hash) {
    if (!hash.startsWith("finding/")) return -1;
    const told = Object.entries(data.anchors).find(([, anchor]) => anchor === hash);
    if (told) return Number(told[0]);
    const named = decoded(hash);
    for (let row = 0; row < rows; row++) {
      if (!data.anchors[row] && named === `finding/${policyOf(row).id}/${at("address", row)}`) return row;
    }
    return -1;
  }

  // ----------------------------------------------------------------------------------------------------------------- the CSV

  // A sheet computes what looks like a formula. It is led by an apostrophe, after a semicolon too, where a sheet may begin a new cell.
  const FORMULA = /^(?=[\t\r\n])|(^|;)(?=["\s]*[=+\-@\uff1d\uff0b\uff0d\uff20])/g;
  const cell = (value) => {
    const safe = value.replace(FORMULA, (_, before = "") => `${before}'`);
    return /[",;\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };

  const CSV = {
    policy: (row) => policyOf(row).id,
    title: (row) => policyOf(row).title,
    severity: severityOf,
    verdict: (row) => outcomeOf(row)[0],
    area: (row) => policyOf(row).area,
    door: (row) => (policyOf(row).door === "none" ? "" : policyOf(row).door),
    site: (row) => at("site", row),
    address: (row) => at("address", row),
    name: (row) => at("name", row),
    message: (row) => at("message", row),
    reason: (row) => (column.reason[row] ? data.reasons[column.reason[row] - 1] : ""),
    hint: (row) => at("hint", row),
    source: (row) => (column.source[row] ? data.sources[column.source[row] - 1][0] : ""),
    baseline: (row) => (column.baseline[row] ? data.baselines[column.baseline[row] - 1] : ""),
    waiver_reason: (row) => waived(row, 0),
    waiver_owner: (row) => waived(row, 1),
    waiver_approved_by: (row) => waived(row, 2),
    waiver_expires: (row) => waived(row, 3),
    waiver_ticket: (row) => waived(row, 4),
    console: (row) => at("console", row),
  };
  const waived = (row, part) => (column.waiver[row] ? data.waivers[column.waiver[row] - 1][part] : "");

  function download() {
    const lines = [Object.keys(CSV).join(",")];
    for (const row of view) lines.push(Object.values(CSV).map((of) => cell(of(row))).join(","));
    const href = URL.createObjectURL(new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" }));
    make("a", { href, download: "findings.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(href), 10000);
    say(`${number(view.length)} findings written to findings.csv`);
  }

  // --------------------------------------------------------------------------------------------------------- mouse and keys

  const say = (words) => (one("#announce").textContent = words);

  document.addEventListener("click", async (event) => {
    const control = event.target.closest("[data-filter]");
    if (control && data && choose(control)) event.preventDefault();
    const copier = event.target.closest("[data-copy]");
    if (copier) await copy(copier);
  });

  async function copy(button) {
    let done = true;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      getSelection().selectAllChildren(one("code", button.closest(".address")));
      done = false;
    }
    say(done ? "Address copied" : "The address could not be copied; it is selected now");
    button.classList.toggle("done", done);
    setTimeout(() => button.classList.remove("done"), 1500);
  }

  search.addEventListener("input", () => {
    apply();
    write();
  });

  function forget() {
    clear();
    apply();
    write();
    search.focus();
  }

  one("#clear").addEventListener("click", forget);
  one("#csv").addEventListener("click", download);

  one("#toggle-all")?.addEventListener("click", (event) => {
    const open = foldable.some((details) => !details.hidden && !details.open);
    for (const details of foldable) details.open = open;
    event.target.textContent = open ? "Collapse all" : "Expand all";
  });

  grid.addEventListener("click", (event) => {
    const sort = event.target.closest("[data-sort]");
    if (sort) {
      sorting.down = sorting.by === sort.dataset.sort && !sorting.down;
      sorting.by = sort.dataset.sort;
      apply();
      write();
    } else if (!event.target.closest(".card") && getSelection().isCollapsed) {
      const row = event.target.closest(".body > .row");
      if (row) toggle(row.place);
    }
  });

  grid.addEventListener("keydown", (event) => {
    if (event.target.className !== "opener" || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(grid.clientHeight / height) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (!(event.key in steps)) return;
    event.preventDefault();
    focusOn(event.target.closest(".row").place + steps[event.key]);
  });

  grid.addEventListener("focusin", (event) => {
    const row = event.target.className === "opener" && event.target.closest(".row");
    if (row) active = row.place;
  });

  let waiting = false;
  grid.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  });

  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "Escape" && data) {
      if (opened >= 0 && grid.contains(event.target)) toggle(openedAt);
      else if (isActive()) forget();
    }
  });

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

  // --------------------------------------------------------------------------------------------------------------- the start

  function fit() {
    const wanted = parseFloat(getComputedStyle(grid).getPropertyValue("--row"));
    if (wanted === height) return draw();
    height = wanted;
    redraw();
  }

  async function start() {
    try {
      await open();
    } catch {
      const trouble = one("#trouble");
      trouble.textContent = "This browser cannot open the table of all findings (it lacks DecompressionStream, or the file is damaged). What follows is complete but for findings that are said to be in the table.";
      trouble.hidden = false;
      return;
    }
    unfold();
    setUp();
    document.documentElement.classList.add("js");
    layTable();
    laySelects();
    one("#tools").hidden = !rows;
    apply();
    fit();
    addEventListener("resize", fit);
    addEventListener("hashchange", read);
    read();
    document.documentElement.classList.add("ready");
    performance.mark("ready");
    setTimeout(inSmall, 500);
  }

  start();
})();
