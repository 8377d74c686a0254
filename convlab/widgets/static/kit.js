// The parts that every widget is made of: elements, controls that work by mouse and keyboard, grids of numbers.

// JupyterLab takes the arrow keys and letters for itself unless the focused element says that it wants them.
const KEYS = { "data-lm-suppress-shortcuts": "true" };

export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// A number as a cell shows it: integers as they are, others to three digits.
export function number(value) {
  if (Number.isInteger(value)) return String(value).replace("-", "−");
  return String(Number(value.toPrecision(3))).replace("-", "−");
}

export function count(value) {
  return value.toLocaleString("en-US");
}

export function range(n) {
  return [...Array(Math.max(n, 0)).keys()];
}

// The widget's state: get(name), put({name: value}), and draw() after every change, whoever made it.
export function connect(model, names, draw) {
  let own = false;
  let due = false;
  const drawOnce = () => {
    if (own || due) return; // one message from Python changes many names
    due = true;
    queueMicrotask(() => {
      due = false;
      draw();
    });
  };
  for (const name of names) model.on(`change:${name}`, drawOnce);
  return {
    get: (name) => model.get(name),
    put(changes) {
      own = true;
      for (const [name, value] of Object.entries(changes)) model.set(name, value);
      own = false;
      model.save_changes();
      draw();
    },
  };
}

export function frame(el, title, ...children) {
  const root = h("section", { class: "cl", "aria-label": title }, ...children);
  el.replaceChildren(root);
  return root;
}

// What changed, for screen readers and for everyone else.
export function status() {
  return h("div", { class: "cl-status", role: "status", "aria-live": "polite" });
}

export function slider(label, min, max, onInput) {
  const shown = h("b", { class: "cl-value", "aria-hidden": "true" });
  const input = h("input", {
    ...KEYS, type: "range", min, max, step: 1, "aria-label": label,
    oninput: () => onInput(Number(input.value)),
  });
  return {
    element: h("label", { class: "cl-slider" }, h("span", {}, label), input, shown),
    draw(value, most = max) {
      if (Number(input.max) !== most) input.max = most;
      if (input.value !== String(value)) input.value = value;
      const text = String(value);
      if (shown.textContent !== text) shown.textContent = text;
    },
  };
}

export function numberBox(label, min, max, onInput) {
  const input = h("input", {
    ...KEYS, type: "number", min, max, step: 1, "aria-label": label, class: "cl-number",
    oninput: () => {
      const value = Number(input.value);
      if (input.value !== "" && Number.isInteger(value) && value >= min && value <= max) onInput(value);
    },
  });
  return {
    element: h("label", {}, h("span", {}, label), input),
    input,
    draw(value) {
      if (Number(input.value) !== value || input.value === "") input.value = value;
    },
  };
}

export function choice(label, options, onChange) {
  const select = h("select", { ...KEYS, "aria-label": label, onchange: () => onChange(select.value) });
  const set = (listed) =>
    select.replaceChildren(...listed.map((option) => h("option", { value: option }, String(option))));
  set(options);
  let known = options.join("\n");
  return {
    element: h("label", { class: "cl-choice" }, h("span", {}, label), select),
    draw(value, listed = options) {
      if (listed.join("\n") !== known) set(listed);
      known = listed.join("\n");
      if (select.value !== String(value)) select.value = value;
    },
  };
}

export function checkbox(label, onChange) {
  const input = h("input", { ...KEYS, type: "checkbox", onchange: () => onChange(input.checked) });
  return { element: h("label", { class: "cl-check" }, input, h("span", {}, label)), draw: (on) => (input.checked = on) };
}

export function button(label, onClick, attributes = {}) {
  return h("button", { ...KEYS, type: "button", onclick: onClick, ...attributes }, label);
}

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

// A table of numbers in the form of the ARIA grid: one tab stop, arrow keys to move, Enter or a digit to edit.
// onPick(row, column), onHover(row, column) or null at the end, onEdit(row, column, value).
export function numberGrid(label, role, { onPick, onHover, onEdit } = {}) {
  const caption = h("div", { class: `cl-caption cl-${role}-text` });
  const table = h("table", { class: `cl-grid cl-${role}`, role: "grid", "aria-label": label });
  let cells = [];
  let focus = [0, 0];
  let onCell = () => true;
  const at = (target) => {
    const cell = target.closest("td");
    return cell && [Number(cell.dataset.row), Number(cell.dataset.column)];
  };
  const go = (row, column) => {
    const before = cells[focus[0]]?.[focus[1]];
    const after = cells[row]?.[column];
    if (!after) return;
    if (before) before.tabIndex = -1;
    after.tabIndex = 0;
    focus = [row, column];
  };
  const edit = (row, column, typed) => {
    if (!onEdit || !onCell(row, column)) return;
    const cell = cells[row][column];
    const old = cell.textContent;
    let done = false;
    const finish = (keep) => {
      if (done) return;
      done = true;
      const value = Number(input.value.replace("−", "-").replace(",", "."));
      cell.textContent = old;
      if (keep && input.value.trim() !== "" && Number.isFinite(value)) onEdit(row, column, value);
    };
    const input = h("input", {
      ...KEYS, class: "cl-edit", "aria-label": `${label}, row ${row}, column ${column}`,
      onblur: () => finish(true),
      onkeydown: (event) => {
        event.stopPropagation();
        if (event.key === "Enter" || event.key === "Escape") {
          finish(event.key === "Enter");
          cell.focus();
        }
      },
    });
    input.value = typed ?? old.replace("−", "-");
    cell.replaceChildren(input);
    input.focus();
    if (typed === undefined) input.select();
  };
  fill(table, {
    onkeydown: (event) => {
      const place = at(event.target);
      if (!place || event.ctrlKey || event.metaKey || event.altKey) return;
      const step = ARROWS[event.key];
      if (step) {
        const [row, column] = [place[0] + step[0], place[1] + step[1]];
        if (cells[row]?.[column]) {
          go(row, column);
          cells[row][column].focus();
          onHover?.(row, column);
        }
      } else if (event.key === "Enter" || event.key === " ") {
        if (onEdit) edit(...place);
        else onPick?.(...place);
      } else if (onEdit && /^[-−0-9.]$/.test(event.key)) edit(...place, event.key);
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
    onclick: (event) => {
      const place = at(event.target);
      if (!place || event.target.tagName === "INPUT") return;
      go(...place);
      cells[place[0]][place[1]].focus();
      onPick?.(...place);
    },
    ondblclick: (event) => {
      const place = at(event.target);
      if (place && event.target.tagName !== "INPUT") edit(...place);
    },
    onpointerover: (event) => {
      const place = at(event.target);
      if (place) onHover?.(...place);
    },
    onpointerleave: () => onHover?.(null, null),
  }, []);
  const build = (rows, columns) => {
    cells = range(rows).map((row) =>
      range(columns).map((column) =>
        h("td", { ...KEYS, role: "gridcell", tabindex: -1, "data-row": row, "data-column": column }),
      ),
    );
    table.replaceChildren(h("tbody", {}, cells.map((line) => h("tr", { role: "row" }, line))));
    go(Math.min(focus[0], rows - 1), Math.min(focus[1], columns - 1));
  };
  return {
    element: h("div", { class: "cl-panel" }, caption, table),
    // text(row, column) and classes(row, column) of each cell; editable(row, column) where onEdit is given
    draw({ title, rows, columns, text, classes, editable = () => true }) {
      onCell = editable;
      if (caption.textContent !== title) caption.textContent = title;
      if (cells.length !== rows || cells[0]?.length !== columns) build(rows, columns);
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++) {
          const cell = cells[row][column];
          const value = text(row, column);
          if (cell.textContent !== value && !cell.firstElementChild) cell.textContent = value;
          const names = classes(row, column);
          if (cell.className !== names) cell.className = names;
        }
    },
  };
}

// A line of code with a button that copies it.
export function codeLine(name) {
  const code = h("code", {});
  const copy = button("copy", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      copy.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(code); // no clipboard here: select it for the reader
      copy.textContent = "press Ctrl+C";
    }
    setTimeout(() => (copy.textContent = "copy"), 1500);
  }, { "aria-label": `copy the ${name} line` });
  return {
    element: h("div", { class: "cl-code" }, h("span", {}, name), code, copy),
    draw: (text) => code.textContent !== text && (code.textContent = text),
  };
}

// A table with a header: rows of text.
export function textTable(label, header) {
  const body = h("tbody", {});
  return {
    element: h("div", { class: "cl-scroll" },
      h("table", { class: "cl-table", "aria-label": label },
        h("thead", {}, h("tr", {}, header.map((cell) => h("th", { scope: "col" }, cell)))), body)),
    draw: (rows) => body.replaceChildren(...rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell))))),
  };
}

// A picture of grey pixels, each `scale` dots large, with a caption; `draw` tells screen readers the words.
export function greyPicture(captionClass) {
  const canvas = h("canvas", { role: "img", width: 1, height: 1, style: "max-width: 100%" });
  const caption = h("figcaption", { class: captionClass });
  return {
    element: h("figure", {}, caption, canvas), canvas,
    draw({ height, width, scale, pixels }, [low, high], title, words) {
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      canvas.style.width = `${width * scale}px`;
      const context = canvas.getContext("2d");
      const data = context.createImageData(width, height);
      const factor = 255 / (high - low || 1);
      for (let k = 0; k < pixels.length; k++) {
        const level = (pixels[k] - low) * factor;
        data.data[4 * k] = data.data[4 * k + 1] = data.data[4 * k + 2] = level;
        data.data[4 * k + 3] = 255;
      }
      context.putImageData(data, 0, 0);
      caption.textContent = title;
      canvas.setAttribute("aria-label", words);
    },
  };
}

// The bytes that Python sent, as numbers from 0 to 255.
export function asBytes(view) {
  return new Uint8Array(view.buffer ?? view, view.byteOffset ?? 0, view.byteLength);
}
