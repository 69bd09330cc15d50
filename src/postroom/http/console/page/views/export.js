// Taking everything out of here, or a part of it, as JSON lines.

import { bytes } from "../api.js";
import { trying } from "../dialog.js";
import { download, fill, h } from "../dom.js";
import { model, on } from "../model.js";
import { field } from "../parts.js";
import { size } from "../text.js";

const SINCE = [["", "the beginning"], ["3600000", "an hour ago"], ["86400000", "a day ago"], ["604800000", "a week ago"], ["2592000000", "30 days ago"]];

export function exportView({ signal }) {
  const agent = h("select", { name: "agent" }, h("option", { value: "" }, "everything"));
  const since = h("select", { name: "since" }, SINCE.map(([ms, words]) => h("option", { value: ms }, words)));
  const go = h("button", { type: "submit", class: "primary" }, "Export");
  const far = h("p", { class: "dim", role: "status" });
  const form = h("form", { class: "plain-form" }, field("What", agent, "or only what one agent took part in"), field("Since", since), h("footer", {}, go), far);

  on("agents", (agents) => {
    const chosen = agent.value;
    fill(agent, h("option", { value: "" }, "everything"), agents.filter((one) => one.kind === "agent").map((one) => h("option", { value: one.name }, one.name)));
    agent.value = chosen;
  }, signal);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    const words = new URLSearchParams();
    if (agent.value) words.set("agent", agent.value);
    if (since.value) words.set("since_ms", String(Date.now() - Number(since.value)));
    await trying(save(`/api/export?${words}`, agent.value, far, signal));
    go.disabled = false;
  });

  return {
    title: "Export",
    element: h("div", { class: "view export" },
      h("header", { class: "head" }, h("h1", {}, "Export")),
      h("p", { class: "about" }, "The post room, its agents and its messages with what became of each, one JSON object on a line. The same as ", h("code", {}, "postroom export"), "."),
      form),
    focus: () => (model.agents ? agent : go).focus(),
  };
}

async function save(path, agent, far, signal) {
  const response = await bytes(path, signal);
  const reader = response.body.getReader();
  const parts = [];
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    total += value.length;
    far.textContent = `${size(total)} …`;
  }
  const day = new Date().toISOString().slice(0, 10);
  download(`postroom-${agent || "all"}-${day}.jsonl`, new Blob(parts, { type: "application/jsonl" }));
  far.textContent = `${size(total)} saved.`;
}
