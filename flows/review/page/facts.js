// Everything about one film in words: what was said about it, then its facts from the JSON beside it.

import { damagedOf, factsOf, historyOf, sameBytes, stateOf } from "/page/board.js";
import { count, make, plain, stateWord, verb, when } from "/page/make.js";

const VALUE = { ai_generated: "AI-generated", ai_composite: "Partly AI-generated", not_ai_generated: "Not AI-generated" };
const kept = new Map();  // sha256 -> facts, which hold as long as the bytes do

export function verdictOf(card) {
  const state = stateOf(card);
  const failed = /^fail/i.test(card.proof) && make("span", { "data-state": "failed", class: "wrong", dir: "auto" }, `Proof failed, so it cannot be published: ${card.proof}`);
  return [make("strong", { "data-state": state }, make("span", { class: "dot" }), stateWord(state)), card.message && make("span", { dir: "auto" }, card.message), failed].filter(Boolean);
}

export function historyList(card) {
  const warnings = damagedOf(card).map((name) => make("p", { class: "notice", "data-state": "failed" }, `A decision cannot be read (${name}): nothing counts as approved beside it.`));
  const others = card.made ? sameBytes(card).length : 0;
  if (others) warnings.push(make("p", { class: "notice" }, `${count(others, "other delivery has", "other deliveries have")} exactly these bytes: a decision holds for all of them.`));
  if (card.earlier.length) warnings.push(make("p", { class: "notice" }, `${card.earlier[1]} approved an earlier version (${when(card.earlier[0])}). The film has changed since, so that approval is void.`));
  const said = [...historyOf(card)].sort((a, b) => b.id.localeCompare(a.id)).map((event) =>
    make("li", { "data-state": { approve: "approved", reject: "rejected" }[event.kind] }, make("p", {}, make("b", { dir: "auto" }, event.reviewer), ` ${verb(event.kind)} `, make("time", { datetime: event.at, title: event.at }, when(event.at))), event.text && make("p", { class: "said", dir: "auto" }, event.text)));
  return [...warnings, make("h3", {}, "Decisions"), said.length ? make("ol", { class: "history" }, ...said) : make("p", { class: "muted" }, card.made ? "Nobody has said anything yet." : "There is no film to decide about.")];
}

export async function factList(card) {
  if (!kept.has(card.path + card.sha256)) kept.set(card.path + card.sha256, await factsOf(card));
  return sections(card, kept.get(card.path + card.sha256)).flatMap(([title, pairs]) => {
    const full = pairs.filter(([, text]) => text !== "" && text != null);
    return full.length ? [make("h3", {}, title), make("dl", {}, ...full.flatMap(([name, text]) => [make("dt", { dir: "auto" }, name), make("dd", { dir: "auto" }, link(String(text)))]))] : [];
  });
}

function sections(card, { line, row, facts }) {
  const number = (value, unit) => (value == null ? "unknown" : `${value.toLocaleString("en", { maximumSignificantDigits: 4 })}${unit}`);
  const list = (value) => (Array.isArray(value) ? value : []);
  const texts = list(facts.layers).filter((layer) => layer?.text).map((layer) => [plain(String(layer.kind)), [layer.text, ...Object.entries(layer).filter(([name]) => name !== "kind" && name !== "text").map(([name, value]) => `${plain(name)}: ${value}`)].join("\n")]);
  const prompts = list(facts.shots).map((shot, index) => [`Shot ${index + 1}`, shot?.prompt]);
  const fields = Object.entries(line.disclosure_fields).map(([name, value]) => `${name} = ${value}`).join("\n");
  const marked = card.made ? list(line.marks).map(plain).join(", ") || "none" : "";
  return [
    ["Texts", [...texts, ["spoken", facts.voice?.text]]],
    ["Prompt", prompts],
    ["Disclosure and marks", [["Declared", VALUE[line.disclosure] ?? line.disclosure], ["Label", line.disclosure_label || (card.made ? "none asked for" : "")], ["Reason", facts.disclosure?.reason], ["Fields", fields || (card.made ? "no field of the platform is known" : "")], ["Marks", marked], ["Mark id", line.mark_id], ["Proof", card.made ? line.proof || "never measured" : ""]]],
    ["File", [["SHA-256", card.sha256], ["Length", card.seconds ? number(card.seconds, " s") : ""], ["Landing page", line.url_with_utm]]],
    ["Creative", [["Id", card.creative], ["Locale", card.locale], ["Segment", card.segment], ["Variant", card.variant], ["Differs in", card.differs], ["Look", facts.look], ["Music", facts.music], ["Engine", facts.engine?.id]]],
    ["Work", [["Wall time", number(line.seconds, " s")], ["GPU time", number(line.gpu_seconds, " s")], ["Cost", number(line.cost, " USD")], ["Attempts", line.attempts]]],
    ["Row", Object.entries(row).filter(([, cell]) => cell.trim())],
  ];
}

function link(text) {
  return /^https?:\/\//.test(text) ? make("a", { href: text, target: "_blank", rel: "noopener noreferrer" }, text) : text;
}
