// Dialogs and short notes. A dialog is the browser's own: it keeps the focus and closes with Escape.

import { button, fill, h } from "./dom.js";
import { field } from "./parts.js";

const notes = h("div", { class: "notes", role: "status", "aria-live": "polite" });
const alarms = h("div", { class: "notes", role: "alert" });
export const noteBoard = h("div", { class: "note-board" }, alarms, notes);

export function note(words, { bad = false } = {}) {
  const shown = h("div", { class: `note ${bad ? "bad" : ""}` }, words);
  (bad ? alarms : notes).append(shown);
  setTimeout(() => shown.remove(), bad ? 9000 : 4500);
}

// What only a screen reader needs to hear.
const whisper = h("div", { class: "unseen-by-eye", "aria-live": "polite" });
noteBoard.append(whisper);

export function whispered(words) {
  whisper.textContent = words;
}

export async function trying(promise, done) {
  try {
    const answer = await promise;
    if (done) note(typeof done === "function" ? done(answer) : done);
    return answer;
  } catch (error) {
    if (error.name !== "AbortError" && error.status !== 401) note(error.message, { bad: true });
    return undefined;
  }
}

// Show a dialog; resolves when it is closed.
export function opened(title, content, props = {}) {
  const dialog = h(
    "dialog",
    { "aria-label": title, ...props },
    h("header", {}, h("h2", {}, title), button("×", () => dialog.close(), { class: "plain close", "aria-label": "Close" })),
    content,
  );
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  const closed = new Promise((done) => dialog.addEventListener("close", () => { dialog.remove(); done(); }));
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, closed };
}

// Ask for some texts. `act` gets them and does something; the dialog stays open, and says why, as long as that fails.
export async function asked({ title, about, fields, verb, danger = false, act }) {
  const inputs = fields.map(({ name, label, value = "", hint, lines, options, required = true, list }) => {
    const common = { name, required, autocomplete: "off", spellcheck: lines ? "true" : "false" };
    let input;
    if (options) input = h("select", common, options.map(([id, words]) => h("option", { value: id }, words)));
    else if (lines) input = h("textarea", { ...common, rows: lines });
    else input = h("input", { ...common, list });
    input.value = value || (options ? options[0][0] : "");
    return [name, input, field(label, input, hint)];
  });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const go = h("button", { type: "submit", class: danger ? "danger" : "primary" }, verb);
  const form = h("form", { method: "dialog" }, about ? h("p", { class: "about" }, about) : null, inputs.map(([, , shown]) => shown), wrong, h("footer", {}, button("Cancel", () => dialog.close()), go));
  const { dialog, closed } = opened(title, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    fill(wrong);
    try {
      await act(Object.fromEntries(inputs.map(([name, input]) => [name, input.value])));
      dialog.close();
    } catch (error) {
      fill(wrong, error.message);
    }
    go.disabled = false;
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  (inputs[0]?.[1] ?? go).focus();
  await closed;
}
