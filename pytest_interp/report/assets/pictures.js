/** Figures side by side, under a slider, in turn, or as their difference. */

const PICTURE_MODES = [
  ["beside", "Side by side"],
  ["slider", "Slider"],
  ["toggle", "Toggle"],
  ["difference", "Difference"],
];
/** A channel that moved by more than this counts as different: less is how text is drawn. */
const PIXEL_NOISE = 24;

/** Show the figures of one `.pictures` node; with two or more, let them be compared. */
function showPictures(root) {
  for (const link of root.querySelectorAll("a[data-source]")) link.href = sourceOf(link.dataset.source);
  const figures = [...root.querySelectorAll("figure")].map((node) => {
    const image = node.querySelector("img");
    image.src = sourceOf(image.dataset.source);
    return { node, image, label: node.querySelector("figcaption").textContent };
  });
  if (figures.length < 2) return;
  const beside = element("div", { class: "beside" }, ...figures.map((figure) => figure.node));
  const stage = element("div", { class: "stage", hidden: true });
  let chosen = [figures[0], figures[1]];
  let mode = "beside";

  const buttons = PICTURE_MODES.map(([name, text]) =>
    element("button", { type: "button", "data-mode": name, "aria-pressed": "false", onclick: () => { mode = name; draw(); } }, text));
  const choices = figures.length < 3 ? [] : [0, 1].map((side) => {
    const select = element("select", { "aria-label": side ? "Second figure" : "First figure",
      onchange: () => { chosen[side] = figures[select.value]; draw(); } },
      ...figures.map((figure, i) => element("option", { value: i }, figure.label)));
    select.value = side;
    return select;
  });
  root.append(element("div", { class: "modes", role: "group", "aria-label": "How to compare the figures" }, ...buttons, ...choices), beside, stage);

  function draw() {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    for (const choice of choices) choice.hidden = mode === "beside";
    beside.hidden = mode !== "beside";
    stage.hidden = mode === "beside";
    stage.replaceChildren();
    if (mode === "slider") stage.append(...slider(...chosen));
    if (mode === "toggle") stage.append(...toggle(...chosen));
    if (mode === "difference") stage.append(...difference(...chosen));
  }
  draw();
}

function copyOf(figure, name) {
  return element("img", { src: figure.image.src, alt: figure.image.alt, class: name });
}

function slider(first, second) {
  const above = copyOf(first, "above");
  const range = element("input", { type: "range", min: 0, max: 100, value: 50,
    "aria-label": `How much of the figure is ${first.label}`, oninput: move });
  function move() {
    above.style.clipPath = `inset(0 ${100 - range.value}% 0 0)`;
    edge.style.left = `${range.value}%`;
    range.setAttribute("aria-valuetext", `${range.value} % ${first.label}`);
  }
  const edge = element("span", { class: "edge" });
  const stack = element("div", { class: "stack" }, copyOf(second, "below"), above, edge);
  move();
  return [element("p", { class: "ends" }, element("span", {}, first.label), element("span", {}, second.label)), stack, range];
}

function toggle(first, second) {
  const images = [copyOf(first, "below"), copyOf(second, "above")];
  const said = element("output", { "aria-live": "polite" });
  let at = 0;
  function draw() {
    images[1].hidden = at === 0;
    said.textContent = (at ? second : first).label;
  }
  const button = element("button", { type: "button", onclick: () => { at = 1 - at; draw(); } }, "Switch");
  draw();
  return [element("p", { class: "ends" }, element("span", {}, "Shown: ", said), button), element("div", { class: "stack" }, ...images)];
}

function difference(first, second) {
  const said = element("output", {});
  const canvas = element("canvas", { role: "img" });
  Promise.all([first.image.decode(), second.image.decode()]).then(() => {
    const differing = drawDifference(canvas, first.image, second.image);
    const text = differing === 0 ? "No pixel differs." :
      `${(100 * differing).toPrecision(2)} % of the pixels differ; they are drawn in colour over the faded second figure.`;
    said.textContent = text;
    canvas.setAttribute("aria-label", `Difference of ${first.label} and ${second.label}. ${text}`);
  }).catch(() => { said.textContent = "A figure cannot be shown."; });
  return [element("p", {}, said), canvas];
}

/** Draw where two images differ, and return which share of the pixels does. */
function drawDifference(canvas, first, second) {
  const width = Math.max(first.naturalWidth, second.naturalWidth);
  const height = Math.max(first.naturalHeight, second.naturalHeight);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const pixels = (image) => {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, width, height);
  };
  canvas.width = width;
  canvas.height = height;
  const one = pixels(first).data, shown = pixels(second), other = shown.data;
  let differing = 0;
  for (let i = 0; i < other.length; i += 4) {
    const moved = Math.max(Math.abs(one[i] - other[i]), Math.abs(one[i + 1] - other[i + 1]), Math.abs(one[i + 2] - other[i + 2]));
    const grey = 190 + (0.3 * other[i] + 0.59 * other[i + 1] + 0.11 * other[i + 2]) / 4;
    const differs = moved > PIXEL_NOISE;
    differing += differs;
    other[i] = differs ? 213 : grey;
    other[i + 1] = differs ? 94 : grey;
    other[i + 2] = differs ? 0 : grey;
  }
  context.putImageData(shown, 0, 0);
  return differing / (width * height);
}
