// A list of any length of which only what is seen exists: rows of one height, newest first, chosen by mouse or keys.
// `items` is kept oldest first, so that a new one is put at its end.

import { h } from "./dom.js";

const BESIDE = 12;

export class Rows {
  constructor({ label, render, open, more, height }) {
    this.render = render;
    this.open = open;
    this.more = more;
    this.height = height;
    this.items = [];
    this.at = -1;
    this.shown = new Map();
    this.asking = false;
    this.room = h("div", { class: "rows-room" });
    this.pill = h("button", { type: "button", class: "pill", hidden: true, on: { click: () => this.top() } });
    this.scroller = h(
      "div",
      { class: "rows", role: "listbox", tabindex: 0, "aria-label": label, on: { scroll: () => this.later(), click: (event) => this.clicked(event), focus: () => this.focused() } },
      this.room,
    );
    this.element = h("div", { class: "rows-frame" }, this.scroller, this.pill);
    this.fresh = 0;
    this.watcher = new ResizeObserver(() => this.later());
    this.watcher.observe(this.scroller);
  }

  get count() {
    return this.items.length;
  }

  item(index) {
    return this.items[this.items.length - 1 - index];
  }

  // Show another list. Rows of items that are in it too stay.
  set(items) {
    this.items = items;
    this.at = Math.min(this.at, items.length - 1);
    this.later();
  }

  // So many items were put at the end of the list, which is the top: who has scrolled down goes on seeing the same.
  added(number) {
    if (!number) return;
    if (this.at >= 0) this.at += number;
    const away = this.scroller.scrollTop;
    if (away > this.height / 2) {
      this.resize();
      this.scroller.scrollTop = away + number * this.height;
      this.fresh += number;
    }
    this.later();
  }

  changed(item) {
    const row = this.shown.get(item);
    if (!row) return;
    const next = this.made(item, Number(row.dataset.index));
    row.replaceWith(next);
    this.shown.set(item, next);
  }

  later() {
    if (this.planned) return;
    this.planned = requestAnimationFrame(() => {
      this.planned = 0;
      this.draw();
    });
  }

  resize() {
    const needed = `${this.count * this.height}px`;
    if (this.room.style.height !== needed) this.room.style.height = needed;
  }

  draw() {
    this.resize();
    const top = this.scroller.scrollTop;
    const first = Math.max(Math.floor(top / this.height) - BESIDE, 0);
    const last = Math.min(Math.ceil((top + this.scroller.clientHeight) / this.height) + BESIDE, this.count);
    const wanted = new Set();
    const fresh = document.createDocumentFragment();
    for (let index = first; index < last; index += 1) {
      const item = this.item(index);
      wanted.add(item);
      let row = this.shown.get(item);
      if (!row) {
        row = this.made(item, index);
        this.shown.set(item, row);
        fresh.append(row);
      } else if (Number(row.dataset.index) !== index) this.place(row, index);
      this.mark(row, index);
    }
    for (const [item, row] of this.shown) {
      if (!wanted.has(item)) {
        row.remove();
        this.shown.delete(item);
      }
    }
    this.room.append(fresh);
    if (top < this.height / 2) this.fresh = 0;
    this.pill.hidden = !this.fresh;
    if (this.fresh) this.pill.textContent = `↑ ${this.fresh} new`;
    if (last >= this.count - 4 * BESIDE) this.ask();
  }

  made(item, index) {
    const row = this.render(item);
    row.setAttribute("role", "option");
    row.id = `row-${(Rows.number = (Rows.number ?? 0) + 1)}`;
    this.place(row, index);
    this.mark(row, index);
    return row;
  }

  place(row, index) {
    row.dataset.index = index;
    row.style.transform = `translateY(${index * this.height}px)`;
    row.setAttribute("aria-posinset", index + 1);
  }

  mark(row, index) {
    const chosen = index === this.at;
    row.setAttribute("aria-selected", chosen ? "true" : "false");
    if (chosen) this.scroller.setAttribute("aria-activedescendant", row.id);
  }

  async ask() {
    if (this.asking || !this.more) return;
    this.asking = true;
    try {
      if (await this.more()) this.later();
      else this.more = null;
    } catch {
      // who scrolls on asks again
    }
    this.asking = false;
  }

  // Choosing

  step(by) {
    this.choose(Math.min(Math.max(this.at + by, 0), this.count - 1));
  }

  choose(index) {
    if (index < 0 || index >= this.count) return;
    this.at = index;
    const top = index * this.height;
    const view = this.scroller.clientHeight;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (top + this.height > this.scroller.scrollTop + view) this.scroller.scrollTop = top + this.height - view;
    this.draw();
  }

  clicked(event) {
    if (event.target.closest("a, button")) return;
    const row = event.target.closest("[data-index]");
    if (!row) return;
    this.choose(Number(row.dataset.index));
    this.enter();
  }

  focused() {
    if (this.at < 0 && this.count) this.choose(Math.floor(this.scroller.scrollTop / this.height));
  }

  enter() {
    const item = this.at >= 0 ? this.item(this.at) : undefined;
    if (item) this.open(item);
  }

  top() {
    this.fresh = 0;
    this.scroller.scrollTop = 0;
    this.at = this.count ? 0 : -1;
    this.draw();
  }

  keys() {
    const down = { act: () => this.step(1), about: "next" };
    const up = { act: () => this.step(-1), about: "the one before" };
    return {
      j: down,
      k: up,
      ArrowDown: { act: () => this.step(1) },
      ArrowUp: { act: () => this.step(-1) },
      PageDown: { act: () => this.step(Math.floor(this.scroller.clientHeight / this.height)) },
      PageUp: { act: () => this.step(-Math.floor(this.scroller.clientHeight / this.height)) },
      Home: { act: () => this.choose(0) },
      End: { act: () => this.choose(this.count - 1) },
      Enter: { act: (event) => (event.target.closest("a, button, summary") ? false : this.enter()), about: "open it" },
      ".": { act: () => this.top(), about: "the newest" },
    };
  }

  close() {
    this.watcher.disconnect();
  }
}

// Keys for a list whose rows all exist.
export function listKeys(list, selector = "[data-row]") {
  const rows = () => [...list().querySelectorAll(selector)];
  const step = (by) => {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)];
    (next.matches("a, button, [tabindex]") ? next : next.querySelector("a, button, [tabindex]"))?.focus();
  };
  return {
    j: { act: () => step(1), about: "next" },
    k: { act: () => step(-1), about: "the one before" },
    ArrowDown: { act: () => step(1) },
    ArrowUp: { act: () => step(-1) },
  };
}
