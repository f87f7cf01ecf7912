import { IDENTIFY_WINDOW_MS } from "../sharding.ts";

/** The part of the page's script that shows shards: the grid, its keys and filters, the details of one. */
export const PAGE_GRID = `
// A sign and a word for each phase: colour alone says nothing to some.
const PHASES = {
  ready: ["●", "ready"], waiting: ["○", "waiting"], connecting: ["◔", "connecting"], identifying: ["◑", "identifying"],
  resuming: ["↻", "resuming"], backing_off: ["▲", "backing off"], idle: ["◌", "idle"], closed: ["■", "closed"],
};
const DENSE_FROM = 60, IDENTIFY_WINDOW_MS = ${IDENTIFY_WINDOW_MS};
const grid = byId("grid");
const cells = new Map();
let filter = "all", active = null, selected = null;

for (const [value, [glyph, word]] of Object.entries({ all: ["", "all"], not_ready: ["", "not ready"], ...PHASES })) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { type: "radio", name: "phase", value, checked: value === "all" });
  const sign = document.createElement("span");
  sign.className = "glyph";
  sign.ariaHidden = "true";
  sign.textContent = glyph;
  if (value in PHASES) label.dataset.phase = value;
  const count = document.createElement("span");
  count.id = "count-" + value;
  label.append(input, ...(glyph === "" ? [] : [sign]), word + " ", count);
  byId("filters").append(label);
}
byId("filters").addEventListener("change", ({ target }) => {
  filter = grid.dataset.filter = target.value;
  showCounts();
  if (active === null || !passes(cells.get(active).row)) activate(visibleIds()[0] ?? null);
});

function passes({ phase }) {
  return filter === "all" || (filter === "not_ready" ? phase !== "ready" : phase === filter);
}

function visibleIds() {
  return [...cells].filter(([, { row }]) => passes(row)).map(([id]) => id);
}

function showCounts() {
  const counts = { all: cells.size, not_ready: 0 };
  for (const phase of Object.keys(PHASES)) counts[phase] = 0;
  for (const { row: { phase } } of cells.values()) counts[phase]++;
  counts.not_ready = cells.size - counts.ready;
  for (const [name, count] of Object.entries(counts)) setText(byId("count-" + name), numberText(count));
  byId("none").hidden = counts[filter] > 0;
}

function makeCell(row) {
  const element = byId("cell").content.firstElementChild.cloneNode(true);
  element.dataset.id = row.id;
  const part = (name) => element.getElementsByClassName(name)[0];
  element.getElementsByTagName("b")[0].textContent = row.id;
  const names = ["glyph", "word", "latency", "rate", "guilds", "turn", "last"];
  const parts = Object.fromEntries(names.map((name) => [name, part(name)]));
  const cell = { element, parts, row };
  cells.set(row.id, cell);
  showRow(cell, row);
  return element;
}

// Only writes what has changed and reads nothing of the layout.
function showRow(cell, row) {
  const { element, parts } = cell;
  const [glyph, word] = PHASES[row.phase] ?? ["?", row.phase];
  cell.row = row;
  if (element.dataset.phase !== row.phase) element.dataset.phase = row.phase;
  setText(parts.glyph, glyph);
  setText(parts.word, word);
  setText(parts.latency, latencyText(row.latency));
  setText(parts.rate, numberText(row.rate) + "/s");
  setText(parts.guilds, numberText(row.guilds) + (row.guilds === 1 ? " guild" : " guilds"));
  setText(parts.last, row.failure ?? (row.last === null ? "" : "Lost " + timeText(row.last.at) + ": " + reasonText(row.last)));
  if (row.id === selected) showDetails(row);
}

// Of the shards with one key, one identifies at a time, the lowest id first.
function showTurns({ maxConcurrency, limitedUntil, identifiesLeft }) {
  // Whole minutes and windows, as in the summary: the text would change all the time otherwise.
  const heldMs = Math.ceil(Math.max(0, (limitedUntil ?? 0) - Date.now()) / 60000) * 60000;
  const left = identifiesLeft === null ? "" : "; " + numberText(identifiesLeft) + " identifies left today";
  const queues = new Map();
  for (const [id, { row: { phase }, parts }] of cells) {
    const key = id % (maxConcurrency ?? 1);
    if (phase === "waiting" || phase === "identifying") queues.set(key, (queues.get(key) ?? 0) + 1);
    const turn = phase === "waiting" ? "In about " + spanText(heldMs + queues.get(key) * IDENTIFY_WINDOW_MS) + left : "";
    setText(parts.turn, turn);
    if (id !== selected) continue;
    byId("d-turn").parentElement.hidden = turn === "";
    setText(byId("d-turn"), turn);
  }
}

// A cell has little room.
function reasonText({ reason }) {
  return reason.replace("Disconnected from the gateway: ", "");
}

function buildGrid(rows) {
  const focused = document.activeElement?.closest?.(".cell")?.dataset.id;
  cells.clear();
  grid.classList.toggle("dense", rows.length > DENSE_FROM);
  grid.replaceChildren(...rows.map(makeCell));
  activate(cells.has(active) ? active : rows[0]?.id ?? null);
  if (focused !== undefined) cells.get(active)?.element.focus();
  if (selected !== null) select(cells.has(selected) ? selected : null);
}

// One cell is in the order of the Tab key.
function activate(id) {
  cells.get(active)?.element.setAttribute("tabindex", "-1");
  active = id;
  cells.get(active)?.element.setAttribute("tabindex", "0");
}

function select(id) {
  cells.get(selected)?.element.setAttribute("aria-selected", "false");
  selected = id;
  byId("details").hidden = id === null;
  document.body.classList.toggle("open", id !== null);
  if (id === null) return;
  const { element, row } = cells.get(id);
  element.setAttribute("aria-selected", "true");
  showDetails(row);
  showTurns(summary);
  drawHistories();
}

function showDetails(row) {
  setText(byId("details-title"), "Shard " + row.id);
  setText(byId("d-phase"), (PHASES[row.phase]?.[1] ?? row.phase) + " since " + timeText(row.since));
  byId("d-failure").parentElement.hidden = row.failure === null;
  setText(byId("d-failure"), row.failure ?? "");
  setText(byId("d-latency"), latencyText(row.latency));
  setText(byId("d-guilds"), numberText(row.guilds));
  setText(byId("d-rate"), numberText(row.rate));
  setText(byId("d-sessions"), row.sessions + ", " + row.resumes);
  setText(byId("d-disconnects"), String(row.disconnects));
  const { last } = row;
  const code = last?.code === null ? "" : " with code " + last?.code;
  setText(byId("d-last"), last === null ? "none" : timeText(last.at) + code + ": " + last.reason);
}

function close() {
  const id = selected;
  select(null);
  cells.get(id)?.element.focus();
}

grid.addEventListener("click", ({ target }) => {
  const cell = target.closest(".cell");
  if (cell === null) return;
  const id = Number(cell.dataset.id);
  activate(id);
  cell.focus();
  select(id);
});
byId("close").addEventListener("click", close);
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && selected !== null) close();
});
grid.addEventListener("keydown", (event) => {
  const ids = visibleIds();
  const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -Infinity, End: Infinity };
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Enter" || event.key === " ") select(active);
  else if (event.key in steps && ids.length > 0) {
    const to = ids.indexOf(active) + steps[event.key];
    // Up and down stay in their column.
    const isOut = (to < 0 || to >= ids.length) && Math.abs(steps[event.key]) !== Infinity;
    if (!isOut) {
      activate(ids[Math.min(Math.max(to, 0), ids.length - 1)]);
      cells.get(active).element.focus();
    }
  } else return;
  event.preventDefault();
});
`;
