// The frame of a sequence diagram: it scrolls, zooms, follows the theme, and is exported.

import { button, download, fill, h, s } from "./dom.js";
import { trying } from "./dialog.js";
import { asPng, sequence, standalone } from "./sequence.js";

const ZOOMS = [0.25, 0.35, 0.5, 0.7, 0.85, 1, 1.2, 1.5, 2, 3];

export function diagram({ name, open, signal }) {
  const scroller = h("div", { class: "diagram-scroll", tabindex: 0, role: "group", "aria-label": "Sequence diagram" });
  const percent = h("output", { class: "num" });
  let traces = [];
  let zoom = ZOOMS.indexOf(1);
  let width = 0;

  const draw = () => {
    width = scroller.clientWidth || width;
    if (!traces.length || !width) return;
    const scale = ZOOMS[zoom];
    const drawn = sequence(traces, { width: Math.max(width / Math.min(scale, 1) - 12, 320), open });
    const size = (height) => ({ width: drawn.width * scale, height: height * scale, viewBox: `0 0 ${drawn.width} ${height}` });
    const at = document.activeElement?.dataset?.message;
    fill(scroller,
      s("svg", { class: "diagram-head", ...size(46), "aria-hidden": "true" }, drawn.head),
      s("svg", { class: "diagram-body", ...size(drawn.height), role: "group", "aria-label": `${traces.length} messages` }, drawn.body));
    percent.textContent = `${Math.round(scale * 100)} %`;
    if (at) scroller.querySelector(`[data-message="${CSS.escape(at)}"]`)?.focus({ preventScroll: true });
  };
  const zoomed = (by) => {
    zoom = by === 0 ? ZOOMS.indexOf(1) : Math.min(Math.max(zoom + by, 0), ZOOMS.length - 1);
    draw();
  };
  const watcher = new ResizeObserver(() => { if (scroller.clientWidth !== width) draw(); });
  watcher.observe(scroller);
  document.addEventListener("theme", draw, { signal });
  signal.addEventListener("abort", () => watcher.disconnect());
  scroller.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoomed(event.deltaY < 0 ? 1 : -1);
  }, { passive: false });

  const paper = () => Math.max(Math.min(width, 1400), 700);
  const asSvg = () => download(`${name()}.svg`, new Blob([standalone(traces, paper()).text], { type: "image/svg+xml" }));
  const asPicture = () => trying(asPng(traces, paper()).then((blob) => download(`${name()}.png`, blob)));
  const step = (by) => {
    const all = [...scroller.querySelectorAll(".call")];
    const here = all.indexOf(document.activeElement);
    all[here < 0 ? 0 : Math.min(Math.max(here + by, 0), all.length - 1)]?.focus();
  };

  return {
    element: h("div", { class: "diagram" },
      h("div", { class: "toolbar", role: "group", "aria-label": "Diagram" },
        button("−", () => zoomed(-1), { "aria-label": "Smaller" }), percent, button("+", () => zoomed(1), { "aria-label": "Larger" }), button("100 %", () => zoomed(0), { title: "Real size" }),
        h("span", { class: "spring" }), button("SVG", asSvg, { "aria-label": "Save as SVG" }), button("PNG", asPicture, { "aria-label": "Save as PNG" })),
      scroller),
    set: (next) => { traces = next; draw(); },
    keys: {
      "+": { act: () => zoomed(1), about: "larger" },
      "=": { act: () => zoomed(1) },
      "-": { act: () => zoomed(-1), about: "smaller" },
      0: { act: () => zoomed(0), about: "real size" },
      j: { act: () => step(1), about: "next" },
      k: { act: () => step(-1), about: "the one before" },
      ArrowDown: { act: () => (document.activeElement?.classList.contains("call") ? step(1) : false) },
      ArrowUp: { act: () => (document.activeElement?.classList.contains("call") ? step(-1) : false) },
    },
  };
}
