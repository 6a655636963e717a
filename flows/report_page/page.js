"use strict";
// The sheet's behaviour: choosing, listing in pages, playing. All text goes through textContent; nothing is fetched.

const data = JSON.parse(document.getElementById("data").textContent);
const main = document.getElementById("sheet");
const tools = document.getElementById("tools");
const viewer = document.getElementById("viewer");
const PAGE = { sheet: 16, ab: 12, table: 150 };
const FILTERS = [["locale", "locales"], ["segment", "segments"], ["variant", "variants"], ["placement", "placements"], ["state", "states"]];
const VALUE = { ai_generated: "AI-generated", ai_composite: "Partly AI-generated", not_ai_generated: "Not AI-generated" };
const choice = { view: "sheet", text: "", locale: "", segment: "", variant: "", placement: "", state: "" };
let chosen = [];
/** Filters with more than one value: what is the same everywhere need not be said everywhere. */
const several = new Set();

function make(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class") node.className = value;
    else if (name === "click") node.addEventListener("click", value);
    else if (value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== "" && child != null));
  return node;
}

const creativeOf = (film) => data.creatives[film.creative];
const rowOf = (film) => data.rows[creativeOf(film).row];
const placeOf = (film) => data.placements[film.placement];
/** Embedded, or the file beside the film where there are too many. */
const posterOf = (film) => (film.poster >= 0 ? data.posters[film.poster] : film.cover);
const plain = (name) => name.replaceAll("_", " ");
const stateOf = (film) => (film.finished && !film.playable && !film.address ? "missing" : film.state);

// --- choosing ------------------------------------------------------------------------------------------------------

function fieldsOf(film) {
  const creative = creativeOf(film);
  return { locale: creative.locale, segment: creative.segment, variant: creative.variant, placement: placeOf(film).id, state: stateOf(film) };
}

function prepare() {
  const found = Object.fromEntries(FILTERS.map(([name]) => [name, new Map()]));
  data.films.forEach((said, index) => {
    const film = data.films[index] = { ...data.blank, ...said };
    film.index = index;
    film.fields = fieldsOf(film);
    const creative = creativeOf(film);
    film.words = [creative.id, creative.headline, rowOf(film).id, ...Object.values(film.fields), placeOf(film).title, film.code, film.step, film.message, film.disclosure, film.sha256, film.path].join("\n").toLowerCase();
    for (const [name] of FILTERS) {
      const value = film.fields[name];
      if (value) found[name].set(value, name === "placement" ? placeOf(film).title : plain(value));
    }
  });
  const filters = document.getElementById("filters");
  for (const [name, many] of FILTERS) {
    if (found[name].size < 2) continue;
    several.add(name);
    const select = make("select", { name, "aria-label": name }, make("option", { value: "" }, `All ${many}`));
    for (const [value, title] of found[name]) select.append(make("option", { value }, title));
    filters.append(select);
  }
  if (!filters.children.length) document.getElementById("more").remove();
  if (!several.has("variant")) tools.querySelector("[data-view=ab]").remove();
}

function choose() {
  const wanted = choice.text.toLowerCase().split(/\s+/).filter(Boolean);
  chosen = data.films.filter((film) =>
    FILTERS.every(([name]) => !choice[name] || film.fields[name] === choice[name]) && wanted.every((word) => film.words.includes(word)));
  document.getElementById("found").textContent = chosen.length === data.films.length
    ? `${chosen.length.toLocaleString("en")} ${chosen.length === 1 ? "delivery" : "deliveries"}` : `${chosen.length.toLocaleString("en")} of ${data.films.length.toLocaleString("en")} deliveries`;
  remember();
  list();
}

function remember() {
  const kept = new URLSearchParams(Object.entries(choice).filter(([name, value]) => value && !(name === "view" && value === "sheet")));
  history.replaceState(null, "", kept.size ? `#${kept}` : location.pathname + location.search);
}

function recall() {
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) if (name in choice) choice[name] = value;
  for (const control of tools.elements) {
    if (!control.name) continue;
    control.value = choice[control.name];
    if (control.value !== choice[control.name]) control.value = choice[control.name] = "";
  }
  if (!(choice.view in PAGE) || !tools.querySelector(`[data-view=${choice.view}]`)) choice.view = "sheet";
}

function forget() {
  for (const name of Object.keys(choice)) if (name !== "view") choice[name] = "";
  for (const control of tools.elements) if (control.name) control.value = "";
  choose();
}

// --- listing in pages ------------------------------------------------------------------------------------------------

function grouped(films, key) {
  const found = new Map();
  for (const film of films) {
    const name = key(film);
    if (found.has(name)) found.get(name).push(film); else found.set(name, [film]);
  }
  return [...found.values()];
}

function groups() {
  if (choice.view === "table") return chosen.map((film) => [film]);
  if (choice.view === "sheet") return grouped(chosen, (film) => film.creative);
  const pairs = grouped(chosen, (film) => [creativeOf(film).row, film.fields.locale, film.fields.segment].join("\n"));
  return pairs.filter((films) => new Set(films.map((film) => film.creative)).size > 1);
}

function list() {
  const all = groups();
  const body = choice.view === "table" ? table() : main;
  main.dataset.view = choice.view;
  if (scrollY > main.offsetTop - tools.offsetHeight) scrollTo({ top: main.offsetTop - tools.offsetHeight, behavior: "instant" });
  main.replaceChildren(...(body === main ? [] : [body.closest(".scroll")]));
  for (const button of tools.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", String(button.dataset.view === choice.view));
  if (!all.length) return main.replaceChildren(nothing());
  const more = make("button", { type: "button", class: "again" }, "Show more");
  let shown = 0;
  let row = -1;
  function next() {
    for (const films of all.slice(shown, shown + PAGE[choice.view])) {
      if (choice.view !== "table" && creativeOf(films[0]).row !== row) body.append(rowTitle(films[0]));
      row = creativeOf(films[0]).row;
      body.append(choice.view === "table" ? line(films[0]) : choice.view === "ab" ? pair(films) : creative(films));
    }
    shown += PAGE[choice.view];
    if (shown < all.length) main.append(more); else more.remove();
  }
  more.addEventListener("click", next);
  next();
  if (shown < all.length) new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && more.isConnected && next(), { rootMargin: "1200px" }).observe(more);
}

function nothing() {
  const none = choice.view === "ab" && chosen.length ? "No two variants of one ad are among these." : "Nothing here fits.";
  return make("div", { class: "empty" }, none, make("button", { type: "button", class: "again", click: forget }, "Show everything"));
}

function rowTitle(film) {
  const row = rowOf(film);
  return make("div", { class: "row-title" }, make("h2", { dir: "auto" }, row.id || `Row ${row.number}`), make("span", { class: "muted" }, `row ${row.number}`));
}

function chips(film) {
  const { locale, segment, variant, differs } = creativeOf(film);
  const arm = variant && variant !== "control" && differs ? `${variant} · differs in ${differs}` : variant;
  return [locale, several.has("segment") && segment, several.has("variant") && arm].filter(Boolean).map((text) => make("span", { class: "chip", dir: "auto" }, text));
}

function creative(films) {
  const { id, headline, locale } = creativeOf(films[0]);
  const head = make("header", {}, make("h3", { dir: "auto", lang: locale || undefined }, headline || id || "Not expanded"), ...chips(films[0]));
  return make("section", { class: "creative" }, head, make("div", { class: "strip" }, ...films.map((film) => tile(film))));
}

function tile(film, above) {
  const place = placeOf(film);
  const label = make("figcaption", {}, make("b", {}, place.title), facts(film), make("button", { type: "button", click: () => open(film) }, "Details"));
  const figure = make("figure", { class: "tile", "data-state": stateOf(film) }, above || "", frame(film), label);
  figure.style.setProperty("--aspect", place.width / place.height);
  return figure;
}

function facts(film) {
  const place = placeOf(film);
  const size = `${place.width}×${place.height}`;
  const shape = [film.playable ? (film.state === "draft" ? `draft of ${size}` : size) : "", film.seconds ? `${film.seconds.toFixed(1)} s` : ""];
  const marks = [VALUE[film.disclosure], film.label && `“${film.label}”`, ...film.marks.filter((mark) => mark !== "disclosure label").map(plain), film.proof.startsWith("fail") && "marks not proven"];
  return make("span", { class: "muted" }, ...[shape, marks].map((parts) => make("span", { dir: "auto" }, parts.filter(Boolean).join(" · "))));
}

function pair(films) {
  const both = grouped(films, (film) => film.placement).filter((group) => group.length > 1);
  const holder = make("div", { class: "pair" });
  const tabs = make("div", { class: "tabs", role: "group", "aria-label": "Placement" });
  function show(group, button) {
    for (const other of tabs.children) other.setAttribute("aria-pressed", String(other === button));
    holder.replaceChildren(...group.map((film, index) => tile(film, arm(film, index))));
  }
  both.forEach((group) => {
    const button = make("button", { type: "button", "aria-pressed": "false" }, placeOf(group[0]).title);
    button.addEventListener("click", () => show(group, button));
    tabs.append(button);
  });
  tabs.append(make("button", { type: "button", class: "go", click: () => together(holder) }, "Play together"));
  if (both.length) show(both[0], tabs.firstChild);
  const { headline, id, locale, segment } = creativeOf(films[0]);
  const head = make("header", {}, make("h3", { dir: "auto" }, headline || id), ...[locale, several.has("segment") && segment].filter(Boolean).map((text) => make("span", { class: "chip" }, text)));
  return make("section", { class: "creative" }, head, tabs, holder);
}

function arm(film, index) {
  const { variant, differs } = creativeOf(film);
  const how = variant === "control" ? "the reference" : differs ? `differs in ${differs}` : "";
  return make("span", { class: "arm", dir: "auto" }, `${String.fromCharCode(65 + (index % 26))} · ${variant || "control"}`, make("span", {}, how));
}

function together(holder) {
  for (const button of holder.querySelectorAll("button.frame")) button.click();
  const videos = [...holder.querySelectorAll("video")];
  videos.forEach((video, index) => { video.muted = index > 0; video.currentTime = 0; });
  videos.forEach((video) => video.play().catch(() => {}));
}

const COLUMNS = ["State", "Creative", "Placement", "Disclosure", "Label", "Marks", "Attempts", "Seconds", "Code", "Step", "Reason", "What to do", ""];

function table() {
  const body = make("tbody");
  make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Deliveries" },
    make("table", {}, make("thead", {}, make("tr", {}, ...COLUMNS.map((name) => make("th", { scope: "col" }, name)))), body));
  return body;
}

function line(film) {
  const work = film.work == null ? "unknown" : film.work.toFixed(1);
  const cells = [creativeOf(film).id || `row ${rowOf(film).number}`, placeOf(film).title, VALUE[film.disclosure] || "", film.label, film.marks.join(", "), String(film.attempts), work, film.code, film.step];
  const state = make("td", { "data-state": stateOf(film) }, make("span", { class: "dot" }), plain(stateOf(film)));
  return make("tr", {}, state, ...cells.map((text) => make("td", { dir: "auto", title: text }, text)),
    make("td", { class: "wrap", dir: "auto" }, film.message), make("td", { class: "wrap", dir: "auto" }, film.fix),
    make("td", {}, make("button", { type: "button", click: () => open(film) }, film.playable ? "Watch" : "Details")));
}

// --- playing -----------------------------------------------------------------------------------------------------------

function frame(film) {
  if (!film.playable) return lost(film);
  const button = make("button", { type: "button", class: "frame", "aria-label": `Play ${creativeOf(film).id}, ${placeOf(film).title}` });
  if (posterOf(film)) button.append(make("img", { src: posterOf(film), alt: "", loading: "lazy", decoding: "async" }));
  button.append(make("span", { class: "play", "aria-hidden": "true" }));
  button.addEventListener("click", () => {
    const playing = player(film);
    button.replaceWith(playing);
    playing.querySelector("video").focus({ preventScroll: true });
  });
  return button;
}

function player(film) {
  const video = make("video", { controls: "", playsinline: "", preload: "auto", src: film.path, "aria-label": `${creativeOf(film).id}, ${placeOf(film).title}` });
  if (posterOf(film)) video.poster = posterOf(film);
  const box = make("div", { class: "frame" }, video);
  video.addEventListener("error", () => box.replaceWith(note("missing", "Cannot be played", `${film.path} is gone from beside this file, or this browser plays no H.264.`)));
  video.addEventListener("play", () => {
    for (const other of document.querySelectorAll("video")) if (other !== video && !(other.closest(".pair") && other.closest(".pair") === video.closest(".pair"))) other.pause();
  });
  captions(video, film);
  video.play().catch(() => {});
  return box;
}

function captions(video, film) {
  // A <track> file is not loaded from file:// by Chromium, so the cues travel in this page. Off at first: the film
  // has them burned in already.
  if (film.cues < 0) return;
  const track = video.addTextTrack("captions", "Captions", creativeOf(film).locale);
  for (const [start, end, text] of data.cues[film.cues]) track.addCue(new VTTCue(start, end, text));
  track.mode = "disabled";
}

function note(state, title, ...lines) {
  return make("div", { class: "frame gone", "data-state": state }, make("strong", {}, title), ...lines.filter(Boolean).map((text) => make("span", { dir: "auto" }, text)));
}

function lost(film) {
  if (film.address) return note(film.state, "Published elsewhere", film.path);
  if (film.finished) return note("missing", "The file is not here", film.path, "It was delivered, and is not beside this page.");
  const where = [film.step && `step ${film.step}`, film.attempts > 0 && `attempt ${film.attempts}`, film.fault && `${film.fault} fault`].filter(Boolean).join(", ");
  return note(film.state, film.code || plain(film.state), where, film.message, film.fix && `→ ${film.fix}`);
}

// --- one film, large ---------------------------------------------------------------------------------------------------

function entries(film) {
  const creative = creativeOf(film);
  const number = (value, unit) => (value == null ? "unknown" : `${value.toLocaleString("en", { maximumSignificantDigits: 4 })}${unit}`);
  const declared = Object.entries(film.fields_declared).map(([name, value]) => `${name} = ${value}`).join("\n");
  return [
    ["Delivery", [["State", `${plain(stateOf(film))}${film.code ? ` (${film.code})` : ""}`], ["Step", film.step], ["Class", film.fault], ["Reason", film.message], ["What to do", film.fix], ["Attempts", String(film.attempts)], ["File", film.path], ["SHA-256", film.sha256], ["Length", film.seconds ? number(film.seconds, " s") : ""]]],
    ["Disclosure and marks", [["Declared", VALUE[film.disclosure]], ["Label", film.label || (film.disclosure ? "none asked for" : "")], ["Fields", declared || (film.disclosure ? "no field of the platform is known" : "")], ["Marks", film.finished ? film.marks.join(", ") || "none" : ""], ["Proof", film.proof], ["Approval", film.approval]]],
    ["Creative", [["Id", creative.id], ["Text", creative.headline], ["Locale", creative.locale], ["Segment", creative.segment], ["Variant", creative.variant], ["Differs in", creative.differs], ["Control", creative.control]]],
    ["Link", [["Landing page", film.url], ["UTM", film.utm]]],
    ["Work", [["Wall time", number(film.work, " s")], ["GPU time", number(film.gpu, " s")], ["Cost", number(film.cost, data.currency ? ` ${data.currency}` : "")]]],
    ["Row", Object.entries(rowOf(film).cells)],
  ];
}

function open(film) {
  viewer.dataset.film = film.index;
  document.getElementById("viewer-title").replaceChildren(placeOf(film).title, make("span", { class: "muted", dir: "auto" }, creativeOf(film).id || `Row ${rowOf(film).number}`));
  const box = film.playable ? player(film) : lost(film);
  box.style.setProperty("--aspect", placeOf(film).width / placeOf(film).height);
  viewer.querySelector(".stage").replaceChildren(box);
  viewer.querySelector(".facts").replaceChildren(...entries(film).flatMap(([title, pairs]) => {
    const kept = pairs.filter(([, text]) => text);
    return kept.length ? [make("h3", {}, title), make("dl", {}, ...kept.flatMap(([name, text]) => [make("dt", { dir: "auto" }, name), make("dd", { dir: "auto" }, link(text))]))] : [];
  }));
  if (!viewer.open) viewer.showModal();
}

function link(text) {
  return /^https?:\/\//.test(text) ? make("a", { href: text, target: "_blank", rel: "noopener noreferrer" }, text) : text;
}

function step(by) {
  const at = chosen.findIndex((film) => film.index === Number(viewer.dataset.film));
  open(chosen[(at + by + chosen.length) % chosen.length]);
}

// --- controls -----------------------------------------------------------------------------------------------------------

tools.addEventListener("submit", (event) => event.preventDefault());
tools.addEventListener("input", (event) => { choice[event.target.name] = event.target.value; choose(); });
tools.addEventListener("click", (event) => {
  const { view } = event.target.dataset;
  if (view) { choice.view = view; choose(); }
  if (event.target.id === "more") event.target.setAttribute("aria-expanded", String(event.target.getAttribute("aria-expanded") === "false"));
});
viewer.addEventListener("click", (event) => {
  if (event.target === viewer || event.target.closest("[data-close]")) viewer.close();
  const by = event.target.closest("[data-step]");
  if (by) step(Number(by.dataset.step));
});
viewer.addEventListener("close", () => viewer.querySelector(".stage").replaceChildren());
viewer.addEventListener("keydown", (event) => {
  if (event.target.tagName === "VIDEO") return;
  if (event.key === "ArrowRight") step(1);
  if (event.key === "ArrowLeft") step(-1);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !viewer.open && !/INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) { event.preventDefault(); tools.elements.text.focus(); }
});
for (const part of document.querySelectorAll("[data-share]")) part.style.flex = part.dataset.share;
prepare();
recall();
choose();
