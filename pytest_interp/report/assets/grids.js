/** Maps and tables of numbers. A cell of a map can be pointed at, and walked to by the arrow keys. */

/** Draw the maps and tables of each backend inside a node. */
function showGrids(root, sides) {
  const limits = limitsOf(sides);
  for (const side of sides) {
    const parts = [...side.grids.map((grid) => mapOf(grid, side.backend, limits[grid.field])),
                   ...side.tables.map((table) => tableOf(table, side.backend))];
    if (parts.length) root.append(element("div", { class: "side" }, side.backend ? element("h6", {}, side.backend) : null, ...parts));
  }
}

/** The end of the colours for each field: the same on all backends, and 1 where all are shares. */
function limitsOf(sides) {
  const limits = {};
  for (const grid of sides.flatMap((side) => side.grids)) {
    const largest = Math.max(0, ...grid.values.flat().map((value) => Math.abs(value ?? 0)));
    limits[grid.field] = Math.max(limits[grid.field] ?? 1, largest > 1.5 ? largest : 1);
  }
  return limits;
}

/** Colour a node by its style sheet: which side of zero, and how far to the end of the colours. */
function colour(node, value, limit) {
  if (value === null) { node.classList.add("undefined"); return; }
  node.classList.add(value < 0 ? "below" : "above");
  node.style.setProperty("--part", `${Math.min(100, 100 * Math.abs(value) / limit).toFixed(1)}%`);
}

/** A number as the page writes it; whole ones with decimals only where they stand among others. */
function numberText(value, decimals = false) {
  if (value === null || value === undefined) return "undefined";
  if (typeof value !== "number" || (Number.isInteger(value) && !decimals)) return String(value);
  if (value === 0) return "0.000";
  const text = Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5 ? value.toFixed(3) : value.toPrecision(3);
  return text.replace("-", "\u2212");
}

function fieldText(field) {
  return field.replaceAll("_", " ");
}

function mapOf(grid, backend, limit) {
  const name = `${fieldText(grid.field)} by ${grid.row} and ${grid.column}${backend ? ` on ${backend}` : ""}`;
  const readout = element("output", { class: "readout" }, "Point at a cell, or walk the map with the arrow keys.");
  const decimals = grid.values.flat().some((value) => value !== null && !Number.isInteger(value));
  const cells = grid.values.map((row, r) => row.map((value, c) => {
    const text = `${grid.column} ${grid.columns[c]}, ${grid.row} “${grid.rows[r]}”: ${numberText(value, decimals)}`;
    const cell = element("td", { role: "gridcell", tabindex: -1, "aria-label": text });
    colour(cell, value, limit);
    return cell;
  }));
  for (const [r, c, saved] of grid.moved) {
    const cell = cells[r]?.[c];
    cell?.classList.add("moved");
    cell?.setAttribute("aria-label", `${cell.getAttribute("aria-label")}, saved ${numberText(saved, decimals)}`);
  }
  const step = Math.ceil(grid.columns.length / 16);
  const head = element("tr", { role: "row" }, element("td", { role: "presentation" }),
    ...grid.columns.map((column, c) => element("th", { role: "columnheader", scope: "col" }, c % step ? "" : column)));
  const rows = cells.map((row, r) =>
    element("tr", { role: "row" }, element("th", { role: "rowheader", scope: "row" }, grid.rows[r]), ...row));
  const table = element("table", { role: "grid", "aria-label": name, "aria-readonly": "true", class: "map" },
    element("thead", { role: "rowgroup" }, head), element("tbody", { role: "rowgroup" }, ...rows));

  let at = [0, 0];
  cells[0][0].tabIndex = 0;
  const read = (cell) => { if (cell) readout.textContent = cell.getAttribute("aria-label"); };
  const go = (r, c) => {
    cells[at[0]][at[1]].tabIndex = -1;
    at = [Math.max(0, Math.min(cells.length - 1, r)), Math.max(0, Math.min(cells[0].length - 1, c))];
    cells[at[0]][at[1]].tabIndex = 0;
    cells[at[0]][at[1]].focus();
  };
  table.addEventListener("pointerover", (event) => read(event.target.closest("td[aria-label]")));
  table.addEventListener("focusin", (event) => read(event.target.closest("td[aria-label]")));
  table.addEventListener("click", (event) => {
    const r = cells.findIndex((row) => row.includes(event.target));
    if (r >= 0) go(r, cells[r].indexOf(event.target));
  });
  table.addEventListener("keydown", (event) => {
    const [r, c] = at, all = event.ctrlKey || event.metaKey, end = Infinity;
    const to = { ArrowUp: [r - 1, c], ArrowDown: [r + 1, c], ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1],
                 Home: [all ? 0 : r, 0], End: [all ? end : r, end], PageUp: [0, c], PageDown: [end, c] }[event.key];
    if (!to || event.altKey) return;
    event.preventDefault();
    go(...to);
  });
  return element("div", { class: "grid" }, element("p", { class: "caption" }, `${fieldText(grid.field)}: ${grid.row} down, ${grid.column} across${grid.moved.length ? "; framed cells moved from the baseline" : ""}`),
    element("div", { class: "scroll" }, table), scaleOf(limit), readout);
}

/** The key to the colours. */
function scaleOf(limit) {
  const steps = [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1].map((part) => {
    const step = element("i", {});
    colour(step, part, 1);
    return step;
  });
  return element("div", { class: "scale", "aria-hidden": "true" }, numberText(-limit), element("span", {}, ...steps), numberText(limit),
    element("i", { class: "undefined" }), "undefined");
}

function tableOf(table, backend) {
  const numeric = table.columns.map((column) => column.values.every((value) => value === null || typeof value === "number"));
  const head = element("tr", {}, element("th", { scope: "col" }, table.row),
    ...table.columns.map((column, c) => element("th", { scope: "col", class: numeric[c] ? "number" : null }, fieldText(column.field))));
  const rows = table.rows.map((row, r) => element("tr", {}, element("th", { scope: "row" }, row),
    ...table.columns.map((column, c) => element("td", { class: numeric[c] ? "number" : null }, cellText(column.values[r], numeric[c] && column.values.some((value) => !Number.isInteger(value)))))));
  const name = `By ${table.row}${backend ? ` on ${backend}` : ""}`;
  return element("div", { class: "scroll tall", tabindex: 0, role: "group", "aria-label": name },
    element("table", { class: "numbers" }, element("thead", {}, head), element("tbody", {}, ...rows)));
}

function cellText(value, decimals) {
  return Array.isArray(value) || (value && typeof value === "object") ? JSON.stringify(value) : numberText(value, decimals);
}
