// Finding messages by their words.

import { look } from "../api.js";
import { button, fill, h, refill } from "../dom.js";
import { keyOf } from "../model.js";
import { empty, kindOf, several, to, whoText } from "../parts.js";
import { listKeys } from "../rows.js";
import { counted, marked, time } from "../text.js";

const LIMIT = 200;

export function searchView({ query, signal }) {
  const input = h("input", { type: "search", name: "words", value: query.words ?? "", placeholder: "Search everything that was ever said", "aria-label": "Search", autocomplete: "off" });
  const form = h("form", { class: "search-form", role: "search" }, input, h("button", { type: "submit", class: "primary" }, "Search"));
  const list = h("ol", { class: "found" });
  const head = h("p", { class: "dim", role: "status" });
  let looking = new AbortController();

  const find = async () => {
    const words = input.value.trim();
    history.replaceState(null, "", `#/search${words ? `?${new URLSearchParams({ words })}` : ""}`);
    looking.abort();
    looking = new AbortController();
    if (!words) {
      head.textContent = "";
      return fill(list, hints(input, find));
    }
    try {
      const found = await look("search", { words, limit: LIMIT }, looking.signal);
      head.textContent = found.length === LIMIT ? `the newest ${LIMIT}` : found.length ? counted(found.length, "message") : "nothing found";
      const plainWords = words.split(/\s+/).filter((word) => !/^(AND|OR|NOT)$/.test(word)).map((word) => word.replace(/[*"()]/g, ""));
      refill(list, found.map((message) => row(message, plainWords)));
    } catch (error) {
      if (error.name === "AbortError") return undefined;
      head.textContent = error.message;
      fill(list);
    }
    return undefined;
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); find().then(() => list.querySelector("a")?.focus()); });
  let timer = 0;
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 250); });
  input.addEventListener("keydown", (event) => { if (event.key === "ArrowDown") { event.preventDefault(); list.querySelector("a")?.focus(); } });
  signal.addEventListener("abort", () => { clearTimeout(timer); looking.abort(); });
  find();
  return {
    title: "Search",
    element: h("div", { class: "view search" }, h("header", { class: "head" }, h("h1", {}, "Search"), head), form, list),
    keys: listKeys(() => list, "a.hit"),
    find: () => input.focus(),
    focus: () => input.focus(),
  };
}

function row(message, words) {
  return h("li", {}, h("a", { class: "hit", href: to("thread", keyOf(message)), "data-key": keyOf(message) },
    h("span", { class: "line" }, whoText(message.sender), h("span", { class: "arrow" }, "→"), several(message.to), kindOf(message.kind), h("span", { class: "meta" }, time(message.sent_ms))),
    message.subject && message.kind !== "notice" ? h("b", { dir: "auto" }, marked(message.subject, words)) : null,
    h("span", { class: "excerpt", dir: "auto" }, marked(message.body, words))));
}

function hints(input, find) {
  const example = (words) => h("li", {}, button(words, () => { input.value = words; find(); input.focus(); }, { class: "link mono" }));
  return h("li", { class: "hints" }, empty("Words, phrases, beginnings", "All words must be there; capital OR, AND, NOT join them."), h("ul", {}, ["deploy", '"exit code"', "migrat*", "port OR socket", "review NOT draft"].map(example)));
}
