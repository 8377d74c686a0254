// Draw a digit: strokes by mouse, pen, touch or arrow keys; Python answers with what the network sees and says.
import { asBytes, button, connect, frame, greyPicture, h, number, status } from "./kit.js";

const STATE = ["seen", "probabilities", "maps", "description", "map_layer"];
const SIDE = 280; // dots on the screen
const SENT = 112; // pixels along each side that go to Python
const PEN = 22; // width of the stroke in dots
const KEY_STEP = 10;

function render({ model, el }) {
  const state = connect(model, STATE, draw);
  const labels = model.get("labels");
  const pad = h("canvas", {
    width: SIDE, height: SIDE, tabindex: 0, role: "application", "data-lm-suppress-shortcuts": "true",
    "aria-label": "drawing pad: draw with the pointer, or move with the arrow keys and hold Shift to draw",
    style: "touch-action: none; cursor: crosshair; background: black",
  });
  const pen = pad.getContext("2d", { willReadFrequently: true });
  const small = h("canvas", { width: SENT, height: SENT }).getContext("2d", { willReadFrequently: true });
  const seen = greyPicture("cl-input-text");
  const bars = labels.map((label) => {
    const fill = h("div", {});
    const value = h("span", {});
    return { element: h("div", { class: "cl-bar" }, h("b", {}, label), h("div", {}, fill), value), fill, value };
  });
  const maps = greyPicture("cl-output-text");
  const words = status();
  let last = null;
  let busy = false;
  let again = false;
  let at = [SIDE / 2, SIDE / 2];

  frame(el, "Draw a digit",
    h("div", { class: "cl-row cl-top" },
      h("div", { style: "width: 290px" }, h("figure", {}, h("figcaption", { class: "cl-input-text" }, "draw here"), pad),
        h("div", { class: "cl-row" }, button("clear", clear), h("span", {}, "arrow keys move, with Shift they draw"))),
      seen.element,
      h("div", { role: "group", "aria-label": "class probabilities" }, bars.map((bar) => bar.element))),
    words, maps.element);

  const place = (event) => {
    const box = pad.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  };
  const stroke = (from, to) => {
    Object.assign(pen, { strokeStyle: "white", lineWidth: PEN, lineCap: "round", lineJoin: "round" });
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(to[0] + 0.01, to[1]); // a line of no length, as of a tap, would not be drawn
    pen.stroke();
    send();
  };
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    last = place(event);
    stroke(last, last);
  });
  pad.addEventListener("pointermove", (event) => {
    if (!last) return;
    const next = place(event);
    stroke(last, next);
    last = next;
  });
  for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => (last = null));
  pad.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const next = at.map((value, a) => Math.min(Math.max(value + step[a] * KEY_STEP, 10), SIDE - 10));
    if (event.shiftKey) stroke(at, next);
    at = next;
  });

  // One drawing on its way at a time: while Python works, only the newest one waits.
  function send() {
    if (busy) {
      again = true;
      return;
    }
    small.drawImage(pad, 0, 0, SENT, SENT);
    const { data } = small.getImageData(0, 0, SENT, SENT);
    const grey = new Uint8Array(SENT * SENT);
    for (let k = 0; k < grey.length; k++) grey[k] = data[4 * k];
    busy = true;
    again = false;
    model.send({ drawing: SENT }, undefined, [grey.buffer]);
  }
  model.on("msg:custom", (message) => {
    if (!("seen" in message)) return;
    busy = false;
    if (again) send();
  });
  function clear() {
    pen.clearRect(0, 0, SIDE, SIDE);
    small.clearRect(0, 0, SENT, SENT);
    at = [SIDE / 2, SIDE / 2];
    send();
  }

  function draw() {
    const image = { height: 28, width: 28, scale: 5, pixels: asBytes(state.get("seen")) };
    seen.draw(image, [0, 255], "seen, 28 × 28", `the drawing as the network sees it. ${state.get("description")}`);
    const probabilities = state.get("probabilities");
    const best = probabilities.indexOf(Math.max(...probabilities));
    bars.forEach((bar, k) => {
      const value = probabilities[k] ?? 0;
      bar.fill.style.width = `${100 * value}%`;
      bar.value.textContent = probabilities.length ? number(Math.round(1000 * value) / 1000) : "";
      bar.element.classList.toggle("cl-best", k === best && probabilities.length > 0);
    });
    words.textContent = state.get("description");
    const sheet = state.get("maps");
    maps.element.hidden = !sheet.pixels;
    const title = `feature maps of ${state.get("map_layer")}`;
    if (sheet.pixels) maps.draw({ ...sheet, pixels: asBytes(sheet.pixels) }, [0, 255], title, title);
  }
  draw();
}

export default { render };
