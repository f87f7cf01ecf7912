import { PAGE_BASICS } from "./page_basics.ts";
import { PAGE_CHARTS } from "./page_charts.ts";
import { PAGE_GRID } from "./page_grid.ts";
import { PAGE_STREAM } from "./page_stream.ts";

/**
 * What the page does, as a module script of its own would. It is text here and in the page: nothing is built, and the
 * page can name its hash as the only script that may run.
 */
export const PAGE_SCRIPT = `"use strict";
(() => {
${PAGE_BASICS}const latencyText = (value) => value === null ? "–" : Math.round(value) + " ms";
${PAGE_CHARTS}${PAGE_GRID}${PAGE_STREAM}
follow();
})();
`;
