// Text of agents is data: each control, bidi or invisible character in it is written out, as U+202E is. And how times and numbers are said.

import { h } from "./dom.js";

// What Unicode calls other (controls, formats, surrogates, private, unassigned), separators of lines, and letters that nothing is seen of.
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]/u;
const EACH = new RegExp(UNSEEN.source, "gu");
const KEPT = new Set(["\n", "\t", "\u200d", "\ufe0f"]);

export function named(character) {
  return `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

function joins(text, at, character) {
  if (character === "\n" || character === "\t") return true;
  if (!KEPT.has(character)) return false;
  const before = text.slice(Math.max(at - 3, 0), at);
  if (character === "\ufe0f") return /[\p{Extended_Pictographic}#*0-9]$/u.test(before);
  return /\p{Extended_Pictographic}\ufe0f?$/u.test(before) && /^\p{Extended_Pictographic}/u.test(text.slice(at + 1, at + 3));
}

function pieces(text, seen, unseen) {
  const whole = String(text).replaceAll("\r\n", "\n");
  if (!UNSEEN.test(whole)) return [seen(whole)];
  const found = [];
  let from = 0;
  for (const match of whole.matchAll(EACH)) {
    if (joins(whole, match.index, match[0])) continue;
    if (match.index > from) found.push(seen(whole.slice(from, match.index)));
    found.push(unseen(match[0]));
    from = match.index + match[0].length;
  }
  if (from < whole.length) found.push(seen(whole.slice(from)));
  return found;
}

// For attributes and for one line of SVG.
export function plain(text) {
  return pieces(text, (part) => part, (character) => `⟨${named(character)}⟩`).join("");
}

export function line(text) {
  return plain(text).replace(/\s+/g, " ").trim();
}

// For the page: nodes.
export function said(text) {
  return pieces(
    text,
    (part) => document.createTextNode(part),
    (character) => h("span", { class: "unseen" }, named(character)),
  );
}

export function saidLine(text, most = 400) {
  const whole = String(text);
  return said(whole.slice(0, most).replace(/\s+/g, " ").trim());
}

// A body, in which only fenced and `quoted` code is set apart.
export function body(text) {
  const blocks = [];
  for (const [place, part] of String(text).split(/^```[^\n]*\n?/mu).entries()) {
    if (!part) continue;
    if (place % 2) blocks.push(h("pre", { class: "code", tabindex: 0 }, said(part.replace(/\n$/, ""))));
    else blocks.push(h("p", { class: "prose", dir: "auto" }, quoted(place ? part.replace(/^\n/, "") : part)));
  }
  return blocks;
}

function quoted(text) {
  return text
    .replace(/\n+$/, "")
    .split(/`([^`\n]+)`/u)
    .map((part, place) => (place % 2 ? h("code", {}, said(part)) : said(part)));
}

// Words that were searched for, set apart.
export function marked(text, words, around = 140) {
  const whole = String(text).replace(/\s+/g, " ");
  const found = words.filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (!found.length) return saidLine(whole, around * 2);
  const pattern = new RegExp(`(${found.join("|")})`, "giu");
  const at = Math.max(whole.search(pattern) - around, 0);
  const cut = `${at ? "… " : ""}${whole.slice(at, at + around * 3)}`;
  return cut.split(pattern).map((part, place) => (place % 2 ? h("mark", {}, said(part)) : said(part)));
}

// Numbers and times

const NUMBER = new Intl.NumberFormat("en");
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const SHORT = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const FULL = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

export const number = (value) => NUMBER.format(value);
export const counted = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

export function clock(ms) {
  const at = new Date(ms);
  return at.toDateString() === new Date().toDateString() ? CLOCK.format(at) : `${DAY.format(at)} ${SHORT.format(at)}`;
}

export const shortClock = (ms) => SHORT.format(new Date(ms));
export const secondClock = (ms) => CLOCK.format(new Date(ms));
export const preciseClock = (ms) => `${CLOCK.format(new Date(ms))}.${String(ms % 1000).padStart(3, "0")}`;

export function took(ms) {
  if (ms < 1) return "<1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return span(ms);
}

export function span(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export const ago = (ms) => (Date.now() - ms < 2000 ? "now" : `${span(Date.now() - ms)} ago`);

export function time(ms, said = clock) {
  if (ms === null || ms === undefined) return "";
  const shown = h("time", { datetime: new Date(ms).toISOString(), title: FULL.format(new Date(ms)) }, said(ms));
  if (said === ago) shown.dataset.ago = ms;
  return shown;
}

export function refreshTimes() {
  for (const shown of document.querySelectorAll("time[data-ago]")) shown.textContent = ago(Number(shown.dataset.ago));
}

export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(bytes < 10_000 ? 1 : 0)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
