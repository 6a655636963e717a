// One film, or the variants of one ad side by side and in step, with what is said about the one that is current.

import { board, cardAt, stateOf } from "/page/board.js";
import { factList, historyList, verdictOf } from "/page/facts.js";
import { address, chosenCards, setCurrent } from "/page/grid.js";
import { byId, make, stateWord } from "/page/make.js";

const viewer = byId("viewer"), stage = byId("stage"), sides = byId("sides");
let path = "", beside = false, turn = 0;
/** Two players may drift apart by this much before one of them is moved: three frames are not seen, a jump is. */
const DRIFT_SECONDS = 0.1;

export const isOpen = () => viewer.open;
export const viewed = () => cardAt(path);

/** The variants of the same ad for the same place, the control first as the plan has it. */
function variantsOf(card) {
  return board.cards.filter((other) => other.made && other.row === card.row && other.locale === card.locale && other.segment === card.segment && other.placement === card.placement);
}

export function open(card) {
  path = card.path;
  if (!viewer.open) viewer.showModal();
  stage.focus();
  draw();
}

function draw() {
  const card = viewed();
  if (!card) return viewer.close();
  const variants = variantsOf(card);
  sides.disabled = variants.length < 2;
  sides.setAttribute("aria-pressed", String(beside && variants.length > 1));
  const films = beside && variants.length > 1 ? variants : [card];
  stage.dataset.films = films.length;
  stage.replaceChildren(...films.map((film, index) => seat(film, films.length > 1 ? index : -1)));
  const videos = [...stage.querySelectorAll("video")];
  if (videos.length > 1) inStep(videos);
  videos.forEach((video) => video.play().catch(() => {}));
  describe();
}

function seat(card, index) {
  const box = make("div", { class: "frame" });
  if (card.media.mp4) box.append(player(card)); else box.append(make("p", { class: "gone", dir: "auto" }, card.message || "The film is not in the folder."));
  box.style.setProperty("--aspect", card.aspect);
  const head = index < 0 ? "" : make("button", { type: "button", class: "arm", click: () => turnTo(card.path) }, make("b", {}, `${String.fromCharCode(65 + (index % 26))} · ${card.variant || "control"}`), make("span", { class: "state" }));
  return make("div", { class: "seat", "data-path": card.path }, head, box);
}

function player(card) {
  const video = make("video", { controls: "", playsinline: "", preload: "auto", poster: card.media.jpg && `/poster/${address(card.media.jpg)}`, "aria-label": `${card.title || card.creative}, ${card.place}` });
  // The number keeps a draft that was heard of before from being played in place of the film, and the other way round.
  video.src = `/media/${address(card.media.mp4)}?${(turn += 1)}`;
  if (card.media.vtt) {
    // Off at first: the film has them burned in already.
    video.append(make("track", { kind: "captions", label: "Captions", srclang: card.locale || undefined, src: `/media/${address(card.media.vtt)}` }));
  }
  let tried = false;
  video.addEventListener("error", () => {
    if (tried) return void video.replaceWith(make("p", { class: "gone" }, "The film cannot be played: it is gone, or this browser plays no H.264."));
    tried = true;
    video.src = `/media/${address(card.media.mp4)}?${(turn += 1)}`;
  });
  return video;
}

/** Whatever is done to one player happens to all; only the first one is heard until another is unmuted. */
function inStep(videos) {
  let leader = videos[0], quiet = 0;
  videos.forEach((video, index) => {
    video.muted = index > 0;
    const lead = (act) => () => {
      if (performance.now() < quiet && video !== leader) return;
      leader = video;
      quiet = performance.now() + 200;
      videos.filter((other) => other !== video).forEach(act);
    };
    video.addEventListener("play", lead((other) => other.play().catch(() => {})));
    video.addEventListener("pause", () => video.ended || lead((other) => other.pause())());
    video.addEventListener("seeking", lead((other) => { other.currentTime = video.currentTime; }));
    video.addEventListener("ratechange", lead((other) => { other.playbackRate = video.playbackRate; }));
    video.addEventListener("timeupdate", () => {
      if (video !== leader || video.seeking) return;
      for (const other of videos) {
        if (other !== video && !other.seeking && !other.ended && Math.abs(other.currentTime - video.currentTime) > DRIFT_SECONDS) {
          quiet = performance.now() + 200;
          other.currentTime = video.currentTime;
        }
      }
    });
  });
}

/** Titles, states and facts of the current film, without touching what plays. */
export function describe() {
  const card = viewed();
  if (!viewer.open || !card) return;
  const name = [card.variant, card.locale, card.segment].filter(Boolean).join(" · ");
  byId("viewer-title").replaceChildren(make("b", { dir: "auto" }, card.title || card.creative), make("span", { class: "muted", dir: "auto" }, `${card.place} · ${name}`));
  const at = chosenCards().findIndex((other) => other.path === path);
  byId("viewer-place").textContent = at < 0 ? "" : `${at + 1} of ${chosenCards().length}`;
  byId("verdict").replaceChildren(...verdictOf(card));
  viewer.dataset.state = stateOf(card);
  for (const button of viewer.querySelectorAll("[data-act]")) button.disabled = !card.made;
  for (const seat of stage.querySelectorAll(".seat")) {
    const seated = cardAt(seat.dataset.path);
    if (!seated) continue;
    seat.toggleAttribute("aria-current", seat.dataset.path === path);
    seat.dataset.state = stateOf(seated);
    const state = seat.querySelector(".state");
    if (state) state.replaceChildren(make("span", { class: "dot" }), stateWord(stateOf(seated)));
  }
  facts(card);
}

function facts(card) {
  const holder = byId("facts"), wanted = card.path + card.sha256;
  const head = make("div", {}, ...historyList(card));
  if (holder.dataset.of === wanted) return void holder.firstElementChild.replaceWith(head);
  holder.dataset.of = wanted;
  const rest = make("div", {});
  holder.replaceChildren(head, rest);
  holder.scrollTop = 0;
  factList(card).then((nodes) => rest.replaceChildren(...nodes), (error) => rest.replaceChildren(make("p", { class: "muted" }, `The facts cannot be had: ${error.message}`)));
}

function turnTo(other) {
  path = other;
  setCurrent(path, false);
  describe();
}

/** The next film of the list; side by side, the next ad. */
export function step(by) {
  const cards = chosenCards(), at = cards.findIndex((card) => card.path === path);
  const here = beside ? new Set(variantsOf(viewed()).map((card) => card.path)) : new Set([path]);
  for (let to = at + by; to >= 0 && to < cards.length; to += by) {
    if (here.has(cards[to].path)) continue;
    path = cards[to].path;
    setCurrent(path, false);
    return draw();
  }
}

/** Side by side: the variant on the left or right. Else as `step`. */
export function stepAcross(by) {
  const card = viewed();
  if (!beside || !card || variantsOf(card).length < 2) return step(by);
  const films = variantsOf(card), at = films.findIndex((film) => film.path === path);
  turnTo(films[(at + by + films.length) % films.length].path);
}

export function toggleSides() {
  const card = viewed();
  if (!card || variantsOf(card).length < 2) return false;
  beside = !beside;
  draw();
  return true;
}

export function openBeside(card) {
  if (variantsOf(card).length < 2) return false;
  beside = true;
  open(card);
  return true;
}

export function togglePlay() {
  const videos = [...stage.querySelectorAll("video")];
  const playing = videos.some((video) => !video.paused && !video.ended);
  for (const video of videos) if (playing) video.pause(); else video.play().catch(() => {});
}

export function nudge(seconds) {
  const video = stage.querySelector(`[data-path="${CSS.escape(path)}"] video`);
  if (!video) return;
  video.pause();
  video.currentTime = Math.max(0, Math.min(video.duration || 0, video.currentTime + seconds));
}

/** After the cards have changed: play what is there now, or close when the film is gone. */
export function renew(before) {
  if (!viewer.open) return;
  const card = viewed();
  if (!card || before !== card.sha256) draw(); else describe();
}

export function close() { viewer.close(); }

sides.addEventListener("click", toggleSides);
viewer.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) viewer.close();
  const by = event.target.closest("[data-step]");
  if (by) step(Number(by.dataset.step));
});
viewer.addEventListener("close", () => {
  stage.replaceChildren();
  byId("facts").dataset.of = "";
  setCurrent(path);
});
