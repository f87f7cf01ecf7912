import { PAGE_CHARTS } from "./page_charts.ts";
import { PAGE_GRID } from "./page_grid.ts";
import { PAGE_STREAM } from "./page_stream.ts";

/**
 * What the page does, as a module script of its own would. It is text here and in the page: nothing is built, and the
 * page can name its hash as the only script that may run.
 */
export const PAGE_SCRIPT = `"use strict";
(() => {
const byId = (id) => document.getElementById(id);
const setText = (element, text) => {
  const node = element.firstChild ?? element.appendChild(document.createTextNode(""));
  if (node.data !== text) node.data = text;
};
const numbers = new Intl.NumberFormat();
const numberText = (value) => value === null ? "–" : numbers.format(value);
const latencyText = (value) => value === null ? "–" : Math.round(value) + " ms";
const timeText = (at) => new Date(at).toLocaleTimeString();
${PAGE_CHARTS}${PAGE_GRID}${PAGE_STREAM}
follow();
})();
`;
