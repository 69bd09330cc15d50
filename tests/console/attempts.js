// What a page of another origin can try against a node. Returns what came of each attempt.
async (node) => {
  const tried = {};
  const attempt = async (name, act) => {
    try {
      tried[name] = await act();
    } catch {
      tried[name] = "failed";
    }
  };
  const body = JSON.stringify({ name: "alice", reason: "owned" });
  const read = async (answer) => `${answer.type} ${answer.status} ${(await answer.text()).length}`;
  const look = async (more) => read(await fetch(`${node}/api/agents`, { credentials: "include", ...more }));
  const act = async (more) => read(await fetch(`${node}/api/pause`, { method: "POST", credentials: "include", body, ...more }));
  const element = (tag, more) =>
    new Promise((done) => {
      const made = Object.assign(document.createElement(tag), more);
      made.onload = () => done("loaded");
      made.onerror = () => done("failed");
      document.head.append(made);
    });
  await attempt("look", () => look({}));
  await attempt("look without cors", () => look({ mode: "no-cors" }));
  await attempt("look with a header", () => look({ headers: { "X-Postroom-Console": "guess" } }));
  await attempt("act as json", () => act({ headers: { "Content-Type": "application/json" } }));
  await attempt("act as text", () => act({ mode: "no-cors" }));
  await attempt("act with a header", () => act({ headers: { "X-Postroom-Console": "guess" } }));
  await attempt("come in", async () => read(await fetch(`${node}/console/enter`, { method: "POST", mode: "no-cors", body: '{"secret": "guess"}' })));
  await attempt("beacon", async () => String(navigator.sendBeacon(`${node}/api/pause`, new Blob([body], { type: "text/plain" }))));
  await attempt("stream", () =>
    new Promise((done) => {
      const source = new EventSource(`${node}/api/live`, { withCredentials: true });
      source.onopen = () => done("open");
      source.onerror = () => done("failed");
    }));
  await attempt("socket", () =>
    new Promise((done) => {
      const socket = new WebSocket(`${node.replace("http", "ws")}/ws`);
      socket.onopen = () => done("open");
      socket.onerror = () => done("failed");
    }));
  await attempt("script", () => element("script", { src: `${node}/api/agents` }));
  await attempt("own script", () => element("script", { src: `${node}/console/api.js`, type: "module" }));
  await attempt("style", () => element("link", { href: `${node}/console/style/base.css`, rel: "stylesheet" }));
  await attempt("image", () => element("img", { src: `${node}/console/icon.svg` }));
  return tried;
}
