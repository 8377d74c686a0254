// A bar that Python moves while it works.
import { connect, frame, h, status } from "./kit.js";

function render({ model, el }) {
  const state = connect(model, ["done", "description"], draw);
  const bar = h("progress", { max: 1, "aria-label": "progress", style: "width: 24em; max-width: 100%" });
  const words = status();
  frame(el, "Progress", bar, words);
  function draw() {
    bar.value = state.get("done");
    words.textContent = state.get("description");
  }
  draw();
}

export default { render };
