// The list of films: filters, tiles in pages, the one that is current.

import { board, stateOf } from "/page/board.js";
import { byId, count, make, plain, stateWord } from "/page/make.js";

const PAGE = 60;
const FILTERS = [["state", "states"], ["row", "rows"], ["locale", "locales"], ["segment", "segments"], ["variant", "variants"], ["placement", "placements"], ["proof", "proofs"]];
const PROOFS = { failed: "Proof failed", passed: "Proof passed", open: "Not proven" };
const choice = { text: "", ...Object.fromEntries(FILTERS.map(([name]) => [name, ""])) };
const tools = byId("tools"), list = byId("list");
const tiles = new Map();  // path -> tile
let chosen = [], shown = 0, current = "", open = () => {}, more = null;

export const chosenCards = () => chosen;
export const currentCard = () => chosen.find((card) => card.path === current);

function proofOf(card) {
  if (!card.made) return "";
  return /^pass/i.test(card.proof) ? "passed" : /^fail/i.test(card.proof) ? "failed" : "open";
}

function fieldsOf(card) {
  return { state: stateOf(card), row: card.row_id || `row ${card.row}`, locale: card.locale, segment: card.segment, variant: card.variant, placement: card.placement, proof: proofOf(card) };
}

const titleOf = { state: stateWord, proof: (value) => PROOFS[value], placement: (value) => board.cards.find((card) => card.placement === value)?.place };

/** Whether a card is one of those asked for, as it stands now. */
export function matches(card) {
  const fields = fieldsOf(card);
  const words = [card.title, card.creative, card.place, card.sha256, card.message, ...Object.values(fields)].join("\n").toLowerCase();
  return FILTERS.every(([name]) => !choice[name] || fields[name] === choice[name]) && choice.text.toLowerCase().split(/\s+/).every((word) => words.includes(word));
}

export function drawFilters() {
  const holder = byId("filters");
  holder.replaceChildren();
  for (const [name, many] of FILTERS) {
    const values = new Set(board.cards.map((card) => fieldsOf(card)[name]).filter(Boolean));
    if (choice[name]) values.add(choice[name]);
    if (values.size < 2 && name !== "state") continue;
    const select = make("select", { name, "aria-label": plain(name) }, make("option", { value: "" }, `All ${many}`));
    for (const value of values) select.append(make("option", { value }, titleOf[name]?.(value) || plain(value)));
    select.value = choice[name];
    holder.append(select);
  }
}

export function choose() {
  chosen = board.cards.filter(matches);
  if (!currentCard()) current = chosen[0]?.path ?? "";
  const kept = new URLSearchParams(Object.entries(choice).filter(([, value]) => value));
  history.replaceState(null, "", kept.size ? `#${kept}` : "/");
  draw();
}

function draw() {
  tiles.clear();
  shown = 0;
  list.replaceChildren();
  if (!chosen.length) list.append(make("div", { class: "empty" }, board.cards.length ? "Nothing here fits." : "No deliveries are here.", make("button", { type: "button", click: forget }, "Show everything")));
  more = make("button", { type: "button", class: "again", click: next }, "Show more");
  next();
  new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && more.isConnected && next(), { rootMargin: "900px" }).observe(more);
  refresh();
}

function next() {
  for (const card of chosen.slice(shown, shown + PAGE)) {
    const before = list.lastElementChild === more ? more.previousElementSibling : list.lastElementChild;
    let group = before?.dataset?.row === String(card.row) ? before : null;
    if (!group) {
      const heading = make("h2", { dir: "auto" }, card.row_id || `Row ${card.row}`);
      group = make("section", { class: "row", "data-row": card.row }, heading, make("div", { class: "strip" }));
      list.append(group);
    }
    group.lastElementChild.append(tile(card));
  }
  shown += PAGE;
  if (shown < chosen.length) list.append(more); else more.remove();
}

function tile(card) {
  const button = make("button", { type: "button", class: "tile", "data-path": card.path, tabindex: card.path === current ? "0" : "-1", click: () => { setCurrent(card.path); open(card); } });
  button.style.setProperty("--aspect", card.aspect);
  button.addEventListener("focus", () => setCurrent(card.path, false));
  tiles.set(card.path, button);
  paint(card);
  return button;
}

/** What can change about a tile without the list being another. */
function paint(card) {
  const button = tiles.get(card.path);
  if (!button) return;
  const state = stateOf(card);
  const said = [card.title || card.creative, card.variant, card.locale, card.place, stateWord(state)].join(", ");
  if (button.dataset.state === state && button.getAttribute("aria-label") === said) return;
  button.dataset.state = state;
  button.setAttribute("aria-label", said);
  const picture = button.querySelector(".frame") ?? frame(card);
  const chips = [card.locale, card.segment, card.variant !== "control" && card.variant].filter(Boolean).map((text) => make("span", { class: "chip", dir: "auto" }, text));
  const failed = proofOf(card) === "failed" && make("span", { class: "chip", "data-state": "failed" }, "proof failed");
  button.replaceChildren(picture, make("span", { class: "state" }, make("span", { class: "dot" }), stateWord(state)), make("b", { dir: "auto" }, card.title || card.creative), make("span", { class: "chips" }, ...chips, failed || ""), make("span", { class: "muted" }, card.place));
}

function frame(card) {
  const box = make("span", { class: "frame" });
  if (!card.made) box.append(make("span", { class: "gone", dir: "auto" }, card.message || plain(card.status)));
  else if (card.media.jpg) {
    const picture = make("img", { src: `/poster/${address(card.media.jpg)}`, alt: "", loading: "lazy", decoding: "async" });
    picture.addEventListener("error", () => picture.remove());
    box.append(picture);
  }
  return box;
}

export const address = (path) => path.split("/").map(encodeURIComponent).join("/");

/** Show states as they are now; what no longer fits the filters stays until the list is updated. */
export function refresh() {
  chosen.forEach(paint);
  const fitting = chosen.filter(matches).length;
  const missing = board.cards.some((card) => matches(card) && !chosen.includes(card));
  byId("update").hidden = fitting === chosen.length && !missing;
  byId("found").textContent = fitting === board.cards.length ? count(fitting, "delivery", "deliveries") : `${fitting.toLocaleString("en")} of ${count(board.cards.length, "delivery", "deliveries")}`;
  mark();
}

export function setCurrent(path, focus = true) {
  current = path;
  while (!tiles.has(path) && shown < chosen.length) next();
  mark();
  if (focus) tiles.get(path)?.focus({ preventScroll: true });
  tiles.get(path)?.scrollIntoView({ block: "nearest" });
}

function mark() {
  for (const [path, button] of tiles) {
    button.setAttribute("tabindex", path === current ? "0" : "-1");
    if (path === current) button.setAttribute("aria-current", "true"); else button.removeAttribute("aria-current");
  }
}

/** The neighbour of the current card in the list, or the same one at an end. */
export function step(by) {
  const at = chosen.findIndex((card) => card.path === current);
  const to = chosen[Math.min(chosen.length - 1, Math.max(0, at + by))];
  if (to) setCurrent(to.path);
  return to;
}

/** The tile above or below, by where it is on the screen. */
export function stepLine(by) {
  const here = tiles.get(current)?.getBoundingClientRect();
  if (!here) return;
  while (by > 0 && shown < chosen.length && more.getBoundingClientRect().top < here.bottom + 800) next();
  let best = null;
  for (const [path, button] of tiles) {
    const there = button.getBoundingClientRect();
    const down = (there.top - here.top) * by;
    if (down < 8) continue;
    const far = down * 4 + Math.abs(there.left + there.width / 2 - here.left - here.width / 2);
    if (!best || far < best.far) best = { far, path };
  }
  if (best) setCurrent(best.path);
}

export function forget() {
  for (const name of Object.keys(choice)) choice[name] = "";
  tools.elements.text.value = "";
  drawFilters();
  choose();
}

export function begin(onOpen) {
  open = onOpen;
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) if (name in choice) choice[name] = value;
  tools.elements.text.value = choice.text;
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("input", (event) => { choice[event.target.name] = event.target.value; choose(); });
  byId("update").addEventListener("click", () => { choose(); setCurrent(current); });
  byId("more").addEventListener("click", (event) => event.target.setAttribute("aria-expanded", String(event.target.getAttribute("aria-expanded") === "false")));
  drawFilters();
  choose();
}
