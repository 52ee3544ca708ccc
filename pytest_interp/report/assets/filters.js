/** Which claims are shown. The choice stands in the address, so that a link shows the same. */

const FILTERS = ["verdict", "model", "backend", "baseline", "q"];

/** The filters and the opened claim of an address: "#anchor", or "#verdict=failed&claim=anchor". */
function readAddress() {
  const hash = location.hash.slice(1);
  if (!hash.includes("=")) return { claim: decodeURIComponent(hash) };
  return Object.fromEntries(new URLSearchParams(hash));
}

function writeAddress(state) {
  const asked = new URLSearchParams(Object.entries(state).filter(([, value]) => value));
  const only = [...asked.keys()].join() === "claim";
  const hash = only ? encodeURIComponent(state.claim) : asked.toString();
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
}

class Filters {
  /** `form` has the controls, `cases` are what they choose from; `changed` hears of a choice. */
  constructor(form, cases, changed) {
    this.form = form;
    this.cases = cases.map((node) => ({ node, text: null }));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => { this.apply(); changed(); });
    form.addEventListener("reset", () => setTimeout(() => { this.apply(); changed(); }));
  }

  read() {
    const data = new FormData(this.form);
    return Object.fromEntries(FILTERS.map((name) => [name, data.getAll(name).join()]));
  }

  write(state) {
    for (const box of this.form.querySelectorAll("[name=verdict]"))
      box.checked = (state.verdict ?? "").split(",").includes(box.value);
    for (const name of FILTERS.slice(1)) {
      const control = this.form.elements[name];
      control.value = state[name] ?? "";
      if (control.value !== (state[name] ?? "")) control.value = ""; // an option that this run lacks
    }
    this.apply();
  }

  matches(one, asked) {
    const data = one.node.dataset;
    if (asked.verdict && !asked.verdict.split(",").includes(data.verdict)) return false;
    if (asked.model && asked.model !== (data.model || "no model")) return false;
    if (asked.backend && !data.backend.split("\n").includes(asked.backend)) return false;
    if (asked.baseline && asked.baseline !== data.baseline) return false;
    if (!asked.q) return true;
    one.text ??= `${one.node.querySelector("summary").textContent} ${data.words}`.toLowerCase();
    return asked.q.toLowerCase().split(/\s+/).every((word) => one.text.includes(word));
  }

  apply() {
    const asked = this.read();
    let shown = 0;
    for (const one of this.cases) {
      one.node.hidden = !this.matches(one, asked);
      shown += !one.node.hidden;
    }
    for (const group of document.querySelectorAll("section.spec, section.model"))
      group.hidden = !group.querySelector("details.case:not([hidden])");
    const isFiltered = FILTERS.some((name) => asked[name]);
    document.getElementById("shown").textContent = isFiltered ? `${shown} of ${this.cases.length} shown` : `${shown} shown`;
    document.getElementById("nothing").hidden = shown > 0 || !this.cases.length;
    document.getElementById("clear").hidden = !isFiltered;
  }
}
