// The page as a whole: what is told at its top, the keys, and who hears what.

import * as ask from "/page/ask.js";
import { board, start, stateOf, watch } from "/page/board.js";
import * as grid from "/page/grid.js";
import { byId, count, make, stateWord, toast, verbOn } from "/page/make.js";
import * as viewer from "/page/viewer.js";

const KEYS = [
  ["j  k", "next, previous film"], ["← → ↑ ↓", "move; side by side: the other variant"], ["Enter", "open the film"], ["Space", "play and pause"],
  [",  .", "a frame back, forth"], ["x", "variants side by side, in step"], ["a", "approve"], ["r", "reject, with a reason"], ["c", "comment"],
  ["Shift A", "approve all that are chosen"], ["/", "search"], ["u", "update the list"], ["Esc", "close"], ["?", "these keys"],
];
/** How states are counted. */
const COUNTED = { needs_review: "to review", done: "not asked for" };
const ORDER = ["needs_review", "rejected", "approved", "published", "done"];
const FRAME_SECONDS = 1001 / 30000;

function head() {
  byId("campaign").textContent = board.campaign;
  document.title = `${board.campaign} · review`;
  const counts = new Map();
  for (const card of board.cards) counts.set(stateOf(card), (counts.get(stateOf(card)) ?? 0) + 1);
  const states = [...ORDER.filter((state) => counts.has(state)), ...[...counts.keys()].filter((state) => !ORDER.includes(state))];
  byId("bar").replaceChildren(...states.map((state) => { const part = make("i", { "data-state": state }); part.style.flex = counts.get(state); return part; }));
  byId("counts").replaceChildren(...states.map((state) => make("span", { "data-state": state }, make("span", { class: "dot" }), `${counts.get(state).toLocaleString("en")} ${COUNTED[state] ?? stateWord(state).toLowerCase()}`)));
  byId("who").replaceChildren(ask.reviewer() ? make("span", {}, "Reviewing as ") : "Your name…", ask.reviewer() ? make("b", { dir: "auto" }, ask.reviewer()) : "");
  const notice = byId("notice");
  notice.textContent = board.lost ? (board.lost === "gate" ? "This page's address is not valid any more: open the one that `spotmill review` printed last." : "The server does not answer. Nothing can be recorded until it does; what you typed is kept.") : board.note;
  notice.hidden = !notice.textContent;
}

function hear({ cards, fresh }) {
  const before = viewer.viewed()?.sha256;
  if (cards) { grid.drawFilters(); grid.choose(); } else grid.refresh();
  head();
  ask.hear(fresh.filter((event) => event.reviewer !== ask.reviewer()));
  viewer.renew(cards ? shownBytes : before);
  shownBytes = viewer.viewed()?.sha256 ?? "";
  const others = fresh.filter((event) => event.reviewer !== ask.reviewer());
  for (const event of others.slice(0, 3)) {
    const card = board.cards.find((one) => one.sha256 === event.sha256);
    if (card) toast(`${event.reviewer} ${verbOn(event.kind)} ${card.title || card.creative} · ${card.place}${event.text ? `: ${event.text}` : ""}`, { approve: "approved", reject: "rejected" }[event.kind]);
  }
  if (others.length > 3) toast(`and ${count(others.length - 3, "more decision")} by others`);
}

let shownBytes = "";

function open(card) { viewer.open(card); shownBytes = card.sha256; }
const current = () => (viewer.isOpen() ? viewer.viewed() : grid.currentCard());
const act = (kind) => { const card = current(); if (card) ask.begin(kind, card); };

/** Key -> what it does; in the viewer, in the list. */
const COMMANDS = {
  j: () => (viewer.isOpen() ? viewer.step(1) : grid.step(1)),
  k: () => (viewer.isOpen() ? viewer.step(-1) : grid.step(-1)),
  ArrowRight: () => (viewer.isOpen() ? viewer.stepAcross(1) : grid.step(1)),
  ArrowLeft: () => (viewer.isOpen() ? viewer.stepAcross(-1) : grid.step(-1)),
  ArrowDown: () => (viewer.isOpen() ? viewer.step(1) : grid.stepLine(1)),
  ArrowUp: () => (viewer.isOpen() ? viewer.step(-1) : grid.stepLine(-1)),
  " ": () => (viewer.isOpen() ? viewer.togglePlay() : current() && open(current())),
  ",": () => viewer.isOpen() && viewer.nudge(-FRAME_SECONDS),
  ".": () => viewer.isOpen() && viewer.nudge(FRAME_SECONDS),
  x: () => { const card = current(); if (card && !(viewer.isOpen() ? viewer.toggleSides() : viewer.openBeside(card))) toast("There is no other variant of this one."); },
  a: () => act("approve"), r: () => act("reject"), c: () => act("comment"),
  A: () => bulk(), u: () => byId("update").hidden || byId("update").click(),
  "/": () => { if (!viewer.isOpen()) byId("tools").elements.text.focus(); },
  "?": () => help(),
};
/** Keys that a held finger may repeat. */
const REPEATING = new Set(["j", "k", "ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", ",", "."]);

function bulk() { if (!viewer.isOpen()) ask.beginMany(grid.chosenCards().filter(grid.matches)); }
function help() { byId("keys").showModal(); }

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || ask.isOpen() || byId("keys").open) return;
  const field = event.target.closest?.("input, textarea, select");
  if (field) {
    if (event.key === "Escape" && field.name === "text") { event.preventDefault(); grid.setCurrent(grid.currentCard()?.path ?? ""); }
    if (event.key === "Enter" && field.name === "text") { event.preventDefault(); grid.setCurrent(grid.currentCard()?.path ?? ""); }
    return;
  }
  // Space and Enter press a button that has the focus, except a tile or a player, which have their own meaning of it.
  if (event.key === " " && event.target.closest?.("button:not(.tile), summary, a")) return;
  const command = COMMANDS[event.key];
  if (!command) return;
  event.preventDefault();
  event.stopPropagation();
  if (!event.repeat || REPEATING.has(event.key)) command();
}, true);

byId("keys-list").append(...KEYS.flatMap(([keys, what]) => [make("dt", {}, ...keys.split("  ").flatMap((key) => [make("kbd", {}, key), " "])), make("dd", {}, what)]));
byId("keys").addEventListener("click", (event) => { if (event.target.closest("[data-close]")) byId("keys").close(); });
byId("help").addEventListener("click", help);
byId("who").addEventListener("click", ask.askName);
byId("bulk").addEventListener("click", bulk);
byId("viewer").addEventListener("click", (event) => { const button = event.target.closest("[data-act]"); if (button) act(button.dataset.act); });
ask.whenNamed(head);

try {
  await start();
  ask.setFallback(board.reviewer);
  head();
  grid.begin(open);
  watch(hear);
  grid.setCurrent(grid.currentCard()?.path ?? "");
} catch (error) {
  byId("notice").textContent = `The review cannot be shown: ${error.message}`;
  byId("notice").hidden = false;
}
