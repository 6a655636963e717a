// What this page knows: cards, what was said about them, and the server's news. Nothing here touches the document.

export const board = { campaign: "", required: false, reviewer: "", cards: [], lost: "", note: "" };
const events = new Map();   // sha256 -> events in the order in which they were heard
const standings = new Map();  // sha256 -> {state, damaged}
const watchers = new Set();
let boot = "", revision = "", next = 0, busy = false;
/** Whether news have been heard at all: what was there before this page is no news. */
let begun = false;

/** How long something has to be on the screen before a person can have seen it. */
const SEEN_MS = 500;
const POLL_MS = 1000, POLL_HIDDEN_MS = 4000;

/** Be told of changes: called with {cards: whether they are others now, fresh: events just heard}. */
export const watch = (watcher) => watchers.add(watcher);
const tell = (change) => watchers.forEach((watcher) => watcher(change));

async function fetched(path, options) {
  const answer = await fetch(path, { cache: "no-store", credentials: "same-origin", ...options });
  const text = await answer.text();
  let body;
  try { body = JSON.parse(text); } catch { body = { detail: text }; }
  if (!answer.ok) throw Object.assign(new Error(typeof body.detail === "string" ? body.detail : "The server did not understand this."), { status: answer.status });
  return body;
}

async function readCards() {
  const found = await fetched("/api/board");
  if (found.boot !== boot) { events.clear(); standings.clear(); next = 0; begun = false; boot = found.boot; }
  ({ revision } = found);
  Object.assign(board, { campaign: found.campaign, required: found.required, reviewer: found.reviewer, cards: found.cards });
}

async function readNews() {
  const found = await fetched(`/api/news?since=${next}`);
  const others = found.boot !== boot || found.revision !== revision;
  if (found.boot !== boot) { await readCards(); tell({ cards: true, fresh: [] }); return readNews(); }
  if (others) await readCards();
  next = found.next;
  for (const [sha256, standing] of Object.entries(found.states)) standings.set(sha256, standing);
  const heard = performance.now() - (begun ? 0 : SEEN_MS);
  const fresh = found.events.filter((event) => event.id);
  for (const event of fresh) { event.heard = heard; events.set(event.sha256, [...historyOf(event), event]); }
  const changed = board.lost !== "" || board.note !== found.note || found.events.length > 0 || others;
  Object.assign(board, { lost: "", note: found.note });
  if (changed) tell({ cards: others, fresh: begun ? fresh : [] });
  begun = true;
}

/** Hear the news now; a second call while one is on its way does nothing. */
export async function listen() {
  if (busy) return;
  busy = true;
  try { await readNews(); } catch (error) {
    const lost = error.status === 403 ? "gate" : "silence";
    if (board.lost !== lost) { board.lost = lost; tell({ cards: false, fresh: [] }); }
  } finally { busy = false; }
}

export async function start() {
  await readCards();
  await listen();
  const again = async () => { await listen(); setTimeout(again, document.hidden ? POLL_HIDDEN_MS : POLL_MS); };
  setTimeout(again, POLL_MS);
  document.addEventListener("visibilitychange", () => document.hidden || listen());
}

export const historyOf = (card) => events.get(card.sha256) ?? [];
export const damagedOf = (card) => standings.get(card.sha256)?.damaged ?? [];
export const cardAt = (path) => board.cards.find((card) => card.path === path);
export const sameBytes = (card) => board.cards.filter((other) => other.sha256 === card.sha256 && other !== card);
export const factsOf = (card) => fetched(`/api/facts/${card.path.split("/").map(encodeURIComponent).join("/")}`);

export function stateOf(card) {
  if (!card.made) return card.status;
  const state = standings.get(card.sha256)?.state ?? "waiting";
  if (state === "approved") return card.status === "published" ? "published" : "approved";
  if (state === "rejected") return "rejected";
  return card.wanted ? "needs_review" : card.status === "published" ? "published" : "done";
}

/** Ids of the events that whoever looks at this card can have seen by now. */
export const seenOf = (card) => historyOf(card).filter((event) => performance.now() - event.heard >= SEEN_MS).map((event) => event.id);

/** Record a decision. `items` are [card, ids that were seen]. Throws with a sentence when nothing was recorded. */
export async function decide(kind, reviewer, text, items) {
  const sent = { kind, reviewer, text, items: items.map(([card, after]) => ({ sha256: card.sha256, after })) };
  const found = await fetched("/api/decide", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(sent) });
  while (busy) await new Promise((wake) => setTimeout(wake, 20));
  await listen();
  return found;
}
