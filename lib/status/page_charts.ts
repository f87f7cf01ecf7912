import { LENGTH } from "./history.ts";

const HEIGHT = 40;

/** The room of a chart: a unit for each point. */
export const CHART_VIEW_BOX: string = `0 0 ${LENGTH} ${HEIGHT}`;

/** The part of the page's script that draws histories. */
export const PAGE_CHARTS = `
const CHART_WIDTH = ${LENGTH}, CHART_HEIGHT = ${HEIGHT};

// A line for each run of known values, the newest at the right.
function drawChart(prefix, name, label, values, textOf) {
  const known = values.filter((value) => value !== null);
  const most = Math.max(...known, 0);
  let path = "", isPen = false;
  values.forEach((value, index) => {
    if (value === null) { isPen = false; return; }
    const x = CHART_WIDTH - values.length + index + .5;
    const y = CHART_HEIGHT - 1 - (CHART_HEIGHT - 2) * (most === 0 ? 0 : value / most);
    // A lone value is a dash.
    path += isPen ? "L" + x + " " + y.toFixed(1) : "M" + x + " " + y.toFixed(1) + "h.5";
    isPen = true;
  });
  byId(prefix + name + "-chart").firstElementChild.setAttribute("d", path);
  const last = values.length === 0 ? null : values[values.length - 1];
  setText(
    byId(prefix + name + "-caption"),
    label + ", 15 minutes: " + (known.length === 0 ? "nothing yet" : textOf(last) + " now, " + textOf(most) + " at most"),
  );
}

async function drawHistory(prefix, query) {
  const response = await ask("history" + query);
  if (!response.ok) return;
  const { rate, latency } = await response.json();
  drawChart(prefix, "rate", "Events/s", rate, numberText);
  drawChart(prefix, "latency", "Latency", latency, latencyText);
}

function drawHistories() {
  // What went wrong shows in the stream as well.
  drawHistory("", "").catch(() => {});
  if (selected !== null) drawHistory("d-", "?shard=" + selected).catch(() => {});
}
`;
