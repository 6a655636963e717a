// Building blocks: elements whose text is always text, and how values are said.

export function make(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class") node.className = value;
    else if (name === "click") node.addEventListener("click", value);
    else if (value !== undefined && value !== false && value !== null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== "" && child != null));
  return node;
}

export const byId = (id) => document.getElementById(id);
export const plain = (name) => name.replaceAll("_", " ");
export const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

const STATES = { needs_review: "Needs review", approved: "Approved", rejected: "Rejected", done: "Nobody asked", published: "Published" };
export const stateWord = (state) => STATES[state] ?? plain(state);

export function when(iso) {
  const at = new Date(iso);
  const today = new Date().toDateString() === at.toDateString();
  return today ? at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

const VERBS = { approve: "approved", reject: "rejected", comment: "commented" };
export const verb = (kind) => VERBS[kind] ?? kind;
export const verbOn = (kind) => (kind === "comment" ? "commented on" : verb(kind));

export function toast(text, state = "") {
  const note = make("p", { "data-state": state || undefined, dir: "auto" }, text), holder = byId("toasts");
  holder.append(note);
  // Shown anew each time: a dialog that was opened since would cover it.
  if (holder.matches(":popover-open")) holder.hidePopover();
  holder.showPopover();
  setTimeout(() => { note.remove(); if (!holder.children.length && holder.matches(":popover-open")) holder.hidePopover(); }, 6000);
}
