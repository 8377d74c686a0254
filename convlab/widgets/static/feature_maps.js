// Feature-map browser: the maps of every layer for one image, and one of them large.
import { choice, connect, frame, h, pictureUrl, slider, status } from "./kit.js";

const STATE = ["layer", "index", "channel", "input", "maps", "large", "description", "columns", "shape"];

function render({ model, el }) {
  const state = connect(model, STATE, draw);
  const layers = model.get("layers");
  const image = slider("image", 0, model.get("count") - 1, (index) => state.put({ index }));
  const layer = choice("layer", layers, (value) => state.put({ layer: value, channel: 0 }));
  const channel = slider("map", 0, 0, (value) => state.put({ channel: value }));
  const words = status();
  const show = (title, role, width) => {
    const picture = h("img", { alt: title, style: `width: ${width}` });
    const caption = h("figcaption", { class: `cl-${role}-text` }, title);
    let shown = null;
    const draw = (bytes, text) => {
      if (bytes === shown || !bytes?.byteLength) return;
      shown = bytes;
      URL.revokeObjectURL(picture.src);
      picture.src = pictureUrl(bytes);
      picture.alt = caption.textContent = text;
    };
    return { element: h("figure", {}, caption, picture), picture, draw };
  };
  const input = show("input", "input", "170px");
  const large = show("one map", "output", "170px");
  const maps = show("all maps", "output", "auto");
  maps.picture.style.maxWidth = "100%";
  maps.picture.addEventListener("click", (event) => {
    const box = maps.picture.getBoundingClientRect();
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
    input.draw(state.get("input"), `input ${state.get("index")}`);
    large.draw(state.get("large"), `map ${state.get("channel")} of ${state.get("layer")}`);
    maps.draw(state.get("maps"), `${count} maps of ${height} × ${width}; click one`);
  }
  draw();
}

export default { render };
