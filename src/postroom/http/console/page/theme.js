// Dark or light, before anything is painted: as the system has it, until somebody says otherwise (see main.js).

"use strict";

{
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    document.documentElement.dataset.theme = localStorage.getItem("postroom-theme") ?? (dark.matches ? "dark" : "light");
    document.dispatchEvent(new Event("theme"));
  };
  show();
  dark.addEventListener("change", show);
}
