// Keys: one table for the whole page, one for the view that is shown. A letter does nothing while something is being written.

import { h } from "./dom.js";
import { opened } from "./dialog.js";

const CHORD_MS = 1500;
let page = {};
let view = {};
let chord = { key: "", at: 0 };

export function pageKeys(table) {
  page = table;
}

export function viewKeys(table) {
  view = table;
}

function writing(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && writing(event.target) && !event.target.closest("dialog")) {
    event.target.blur();
    return;
  }
  if (writing(event.target) || event.target.closest("dialog")) return;
  const chorded = chord.key && event.timeStamp - chord.at < CHORD_MS ? `${chord.key} ${event.key}` : event.key;
  chord = { key: "", at: 0 };
  const row = view[chorded] ?? page[chorded];
  if (row) {
    if (row.act(event) !== false) event.preventDefault();
    return;
  }
  if ([...Object.keys(page), ...Object.keys(view)].some((keys) => keys.startsWith(`${event.key} `))) chord = { key: event.key, at: event.timeStamp };
});

const SHOWN = { ArrowDown: "↓", ArrowUp: "↑", Enter: "↵", Escape: "Esc" };

export function showKeys() {
  const rows = (table) =>
    Object.entries(table)
      .filter(([, row]) => row.about)
      .map(([keys, row]) => h("div", { class: "key-row" }, h("dt", {}, keys.split(" ").map((one) => h("kbd", {}, SHOWN[one] ?? one))), h("dd", {}, row.about)));
  const lists = [["Everywhere", page], ["Here", view]].filter(([, table]) => Object.values(table).some((row) => row.about));
  opened("Keys", h("div", { class: "keys" }, lists.map(([title, table]) => h("section", {}, h("h3", {}, title), h("dl", {}, rows(table))))));
}
