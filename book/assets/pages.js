// On paper: light, whatever the screen, and with the solutions open; afterwards as before.
let theme, folded;
addEventListener("beforeprint", () => {
  theme = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
  folded = document.querySelectorAll("details:not([open])");
  folded.forEach((box) => (box.open = true));
});
addEventListener("afterprint", () => {
  document.documentElement.dataset.theme = theme;
  folded.forEach((box) => (box.open = false));
});

// A formula that is wider than the page scrolls, also by keyboard.
function reachable() {
  for (const box of document.querySelectorAll(".math, .math mjx-container")) {
    if (box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX === "auto") box.tabIndex = 0;
  }
}
addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  reachable();
  addEventListener("resize", reachable);
});
