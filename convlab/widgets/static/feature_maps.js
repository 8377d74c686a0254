// Feature-map browser: the maps of every layer for one image, and one of them large.
import { asBytes, choice, connect, frame, greyPicture, h, slider, status } from "./kit.js";

const STATE = ["layer", "index", "channel", "input", "maps", "large", "description", "columns", "shape"];

function render({ model, el }) {
  const state = connect(model, STATE, draw);
  const layers = model.get("layers");
  const image = slider("image", 0, model.get("count") - 1, (index) => state.put({ index }));
  const layer = choice("layer", layers, (value) => state.put({ layer: value, channel: 0 }));
  const channel = slider("map", 0, 0, (value) => state.put({ channel: value }));
  const words = status();
  const input = greyPicture("cl-input-text");
  const large = greyPicture("cl-output-text");
  const maps = greyPicture("cl-output-text");
  maps.canvas.addEventListener("click", (event) => {
    const box = maps.canvas.getBoundingClientRect();
    const columns = state.get("columns");
    const rows = Math.ceil(state.get("shape")[2] / columns);
    const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
    const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
    const picked = row * columns + column;
    if (picked < state.get("shape")[2]) state.put({ channel: picked });
  });
  frame(el, "Feature-map browser",
    h("div", { class: "cl-row" }, image.element, layer.element, channel.element), words,
    h("div", { class: "cl-row cl-top" }, input.element, large.element, maps.element));

  function draw() {
    const [height, width, count] = state.get("shape");
    image.draw(state.get("index"));
    layer.draw(state.get("layer"));
    channel.draw(state.get("channel"), count - 1);
    if (words.textContent !== state.get("description")) words.textContent = state.get("description");
    show(input, "input", `input ${state.get("index")}`);
    show(large, "large", `map ${state.get("channel")} of ${state.get("layer")}`);
    show(maps, "maps", `${count} maps of ${height} × ${width}; click one`);
  }
  function show(picture, name, title) {
    const sent = state.get(name);
    picture.draw({ ...sent, pixels: asBytes(sent.pixels) }, [0, 255], title, title);
  }
  draw();
}

export default { render };
