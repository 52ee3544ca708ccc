/** The report: a claim is filled when it is first opened, so that hundreds open at once. */

const cases = [...document.querySelectorAll("details.case")];
const filled = new WeakSet();
let opened = "";
let printing = false;
let closed = [];

function fill(node) {
  if (filled.has(node)) return;
  filled.add(node);
  const body = node.querySelector(".body");
  const { markup, numbers } = JSON.parse(body.textContent);
  const unfolded = document.createElement("template");
  unfolded.innerHTML = markup; // written and escaped with the page
  body.replaceChildren(unfolded.content);
  node.querySelectorAll(".grids").forEach((grids, i) => showGrids(grids, numbers[i].data));
  node.querySelectorAll(".pictures").forEach(showPictures);
  copyButtons(node);
}

const filters = new Filters(document.getElementById("filters"), cases, remember);

function remember() {
  writeAddress({ ...filters.read(), claim: opened });
}

document.getElementById("claims").addEventListener("toggle", (event) => {
  const node = event.target;
  if (!node.matches("details.case") || printing) return;
  if (node.open) { fill(node); opened = node.id; }
  else if (opened === node.id) opened = "";
  remember();
}, true);

/** Do as the address says. A claim that it names is shown, whatever the filters say. */
function follow() {
  const asked = readAddress();
  const node = cases.find((one) => one.id === asked.claim);
  filters.write(asked);
  if (!node) return;
  if (node.hidden) filters.write({});
  fill(node);
  opened = node.id;
  node.open = true;
  node.scrollIntoView();
  node.querySelector("summary").focus({ preventScroll: true });
}
addEventListener("hashchange", follow);

/** On paper nothing can be opened: what the filters show is printed open. */
addEventListener("beforeprint", () => {
  printing = true;
  const shown = cases.filter((node) => !node.hidden);
  shown.forEach(fill);
  closed = shown.flatMap((node) => [node, ...node.querySelectorAll("details")]).filter((node) => !node.open);
  for (const node of closed) node.open = true;
});
addEventListener("afterprint", () => {
  for (const node of closed) node.open = false;
  setTimeout(() => { printing = false; });
});

follow();
