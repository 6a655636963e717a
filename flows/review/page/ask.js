// Asking for a reason, a name or a confirmation. What was typed is kept until it has been recorded, whatever happens.

import { cardAt, decide, seenOf, stateOf } from "/page/board.js";
import { byId, count, toast, verb, verbOn } from "/page/make.js";

const ask = byId("ask"), text = byId("ask-text"), name = byId("ask-name");
const NAME = "spotmill-reviewer";
let wanted = null;  // {kind, items: [[card, ids seen]]}, null while nothing is asked
let fallback = "";

const store = (area, key, value) => { try { if (value) area.setItem(key, value); else area.removeItem(key); } catch { /* a private window keeps nothing */ } };
const stored = (area, key) => { try { return area.getItem(key) ?? ""; } catch { return ""; } };

export const reviewer = () => stored(localStorage, NAME) || fallback;
export const isOpen = () => ask.open;
export const setFallback = (name_) => { fallback = name_; };
let onName = () => {};
export const whenNamed = (then) => { onName = then; };

const draftKey = () => `draft:${wanted.kind}:${wanted.items.map(([card]) => card.path).join("|").slice(0, 400)}`;

/** Approve at once where nothing speaks against it; everything else asks first. */
export function begin(kind, card) {
  if (!card.made) return toast("There is no film to decide about.");
  const seen = seenOf(card), against = stateOf(card) === "rejected";
  if (kind === "approve" && !against && reviewer()) return void send({ kind, items: [[card, seen]] }, "");
  const title = { approve: against ? "Approve what was rejected?" : "Approve", reject: "Reject", comment: "Comment" }[kind];
  const label = { approve: "Comment (may be empty)", reject: "Reason", comment: "Comment" }[kind];
  open({ kind, items: [[card, seen]] }, title, `${card.title || card.creative} · ${card.place} · ${[card.variant, card.locale].filter(Boolean).join(" · ")}`, label);
}

/** Approve many: only those that wait, with what was seen of them when the question was put. */
export function beginMany(cards) {
  const waiting = cards.filter((card) => card.made && ["needs_review", "done"].includes(stateOf(card)));
  const unproven = waiting.filter((card) => /^fail/i.test(card.proof));
  const going = waiting.filter((card) => !unproven.includes(card));
  const left = [[cards.filter((card) => stateOf(card) === "rejected").length, "rejected"], [cards.filter((card) => ["approved", "published"].includes(stateOf(card))).length, "approved already"], [unproven.length, "with a failed proof"], [cards.filter((card) => !card.made).length, "not made"]];
  const rest = left.filter(([number]) => number).map(([number, what]) => `${number.toLocaleString("en")} ${what}`).join(", ");
  if (!going.length) return toast(rest ? `Nothing here waits for a decision: ${rest}.` : "Nothing here waits for a decision.");
  open({ kind: "approve", items: going.map((card) => [card, seenOf(card)]) }, `Approve ${count(going.length, "delivery", "deliveries")}?`, rest ? `Of the ${cards.length.toLocaleString("en")} that are chosen, these stay as they are: ${rest}.` : "These are all that are chosen.", "");
}

export function askName() { open({ kind: "", items: [] }, "Who is reviewing?", "The name stands beside each of your decisions.", ""); }

function open(what, title, about, label) {
  wanted = what;
  byId("ask-title").textContent = title;
  byId("ask-about").textContent = about;
  byId("ask-name-label").hidden = Boolean(reviewer()) && Boolean(what.kind);
  name.value = reviewer();
  byId("ask-text-label").hidden = !label;
  byId("ask-text-label").firstElementChild.textContent = label;
  text.value = label ? stored(sessionStorage, draftKey()) : "";
  byId("ask-go").textContent = { approve: what.items.length > 1 ? `Approve ${what.items.length}` : "Approve", reject: "Reject", comment: "Comment" }[what.kind] ?? "Save";
  byId("ask-go").dataset.act = what.kind;
  byId("ask-hint").textContent = label ? "Enter sends, Shift+Enter breaks the line" : "";
  for (const id of ["ask-news", "ask-wrong"]) byId(id).hidden = true;
  ask.showModal();
  const first = !byId("ask-name-label").hidden ? name : label ? text : byId("ask-go");
  first.focus();
}

/** Something was said by others while this was open: show it, keep what was typed. */
export function hear(fresh) {
  if (!ask.open || !wanted) return;
  const films = new Set(wanted.items.map(([card]) => card.sha256));
  const others = fresh.filter((event) => films.has(event.sha256) && event.kind !== "comment");
  const void_ = wanted.items.filter(([card]) => cardAt(card.path)?.sha256 !== card.sha256).length;
  const news = byId("ask-news");
  if (void_) news.textContent = "The film has changed while you were writing. Copy what you typed, close, and look at it again.";
  else if (others.length) news.textContent = `${others.map((event) => `${event.reviewer} ${verb(event.kind)}${event.text ? `: “${event.text}”` : ""}`).join(". ")}. Both decisions are kept; a rejection holds until somebody who has seen it approves.`;
  if (void_ || others.length) news.hidden = false;
}

function wrong(sentence) {
  byId("ask-wrong").textContent = sentence;
  byId("ask-wrong").hidden = false;
}

async function submit() {
  const who = (byId("ask-name-label").hidden ? reviewer() : name.value).trim(), what = text.value.trim();
  if (!who) { name.focus(); return wrong("Give a name."); }
  store(localStorage, NAME, who);
  onName();
  if (!wanted.kind) return ask.close();
  if (!what && wanted.kind !== "approve") { text.focus(); return wrong(wanted.kind === "reject" ? "A rejection needs its reason." : "A comment needs a text."); }
  byId("ask-go").disabled = true;
  const key = draftKey();
  if (await send(wanted, what)) { store(sessionStorage, key, ""); ask.close(); }
  byId("ask-go").disabled = false;
}

/** Record it and say so. False when it was not recorded: what was typed stays. */
async function send({ kind, items }, what) {
  const told = (sentence) => (ask.open ? wrong(sentence) : toast(sentence, "failed"));
  try {
    const found = await decide(kind, reviewer(), what, items);
    if (!found.recorded.length) { told("Not recorded: the film has changed since this page showed it. Look at it again."); return false; }
    const films = items.length === 1 ? items[0][0].title || items[0][0].creative : count(items.length - found.void.length, "delivery", "deliveries");
    toast(`You ${verbOn(kind)} ${films}${found.void.length ? `; ${found.void.length} had changed and were left` : ""}`, { approve: "approved", reject: "rejected" }[kind]);
    return true;
  } catch (error) {
    told(error.status ? `Not recorded: ${error.message}` : "Not recorded: the server does not answer. What you typed is kept; try again.");
    return false;
  }
}

text.addEventListener("input", () => store(sessionStorage, draftKey(), text.value));
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); }
});
byId("ask-form").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
byId("ask-cancel").addEventListener("click", () => ask.close());
ask.addEventListener("close", () => { wanted = null; });
