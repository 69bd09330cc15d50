// Line icons of 16 units, drawn for this page.

import { s } from "./dom.js";

const PATHS = {
  overview: "M2.5 13.5v-4M6.2 13.5v-8M9.8 13.5v-6M13.5 13.5v-11",
  live: "M1.5 8h2.7l1.9-5 3.4 10 2-5h3",
  inbox: "M2 9.5 3.8 3h8.4L14 9.5V13H2zM2 9.5h3.4l1 1.8h3.2l1-1.8H14",
  rooms: "M6 2.5 4.8 13.5M11.2 2.5 10 13.5M2.5 5.8h11M2 10.2h11",
  sessions: "M2 5h11M10.5 2.5 13 5l-2.5 2.5M14 11H3M5.5 8.5 3 11l2.5 2.5",
  held: "M5 2.5v11M11 2.5v11",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.4 10.4 14 14",
  export: "M8 2.5v7.5M5 7.2 8 10.2l3-3M2.5 11.5v2h11v-2",
  write: "M10.8 2.7 13.3 5.2 5.5 13H3v-2.500z",
  more: "M3 8h.01M8 8h.01M13 8h.01",
  back: "M9.800 3 4.800 8l5 5",
  keys: "M1.5 4h13v8h-13zM4 6.700h.01M6.700 6.700h.01M9.300 6.700h.01M12 6.700h.01M5 9.500h6",
  theme: "M8 2.200a5.800 5.800 0 1 0 0 11.600zM8 2.200v11.600M8 2.200a5.800 5.800 0 0 1 0 11.600",
  leave: "M6.500 2.500h-4v11h4M10 5l3.200 3-3.200 3M13 8H6",
  file: "M4 1.800h5l3.200 3.200v9.200H4zM9 1.800V5h3.200",
};

export function icon(name) {
  return s("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, s("path", { d: PATHS[name] }));
}
