import { PAGE_BASICS } from "../status/page_basics.ts";

/** What the page does. It is text, as that of the page of a single process is, and asks again each second. */
export const CLUSTER_PAGE_SCRIPT = `"use strict";
(() => {
${PAGE_BASICS}
const POLL_MS = 1000, RETRY_MS = 2000, SILENCE_MS = 20000, TOKEN = "gangway-cluster-token";
let lastAt = null;

async function follow() {
  for (;;) {
    // While nobody can see the page nothing is asked for.
    while (document.hidden) {
      await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
    }
    let pause = POLL_MS;
    try {
      const response = await ask("view", AbortSignal.timeout(SILENCE_MS));
      if (response.status === 401) {
        await login(sessionStorage.getItem(TOKEN) !== null);
        continue;
      }
      const data = await response.json();
      if (!response.ok) throw new Error(data.error);
      lastAt = Date.now();
      show(data);
    } catch (error) {
      const since = lastAt === null ? "" : " since " + timeText(lastAt);
      showProblem("No answer" + since + "; trying again. " + (error.name === "Error" ? error.message : ""));
      pause = RETRY_MS;
    }
    await sleep(pause);
  }
}

function show(view) {
  const { nodes, leases, identify, streams, groups, shardCount, rescalingTo } = view;
  byId("content").hidden = false;
  showProblem(shardCount === null ? "No node has joined yet" : null);
  const ready = numberText(view.ready) + " of " + numberText(shardCount ?? 0);
  setText(byId("ready"), ready);
  setText(byId("node-count"), numberText(nodes.length));
  setText(byId("waiting"), numberText(identify.waiting));
  setText(byId("identifies"), numberText(identify.remaining));
  setText(byId("reset"), identify.resetAt === null ? "–" : timeText(identify.resetAt));
  setText(byId("messages"), numberText(streams.messages));
  setText(byId("dead"), numberText(view.deadLetters));
  setText(byId("losses"), numberText(view.losses));
  const rescaling = rescalingTo === null ? "" : "; rescaling to " + numberText(rescalingTo);
  setText(byId("state"), (shardCount === null ? "No shards" : numberText(shardCount) + " shards") + rescaling);
  document.title = (shardCount === null ? "" : view.ready + "/" + shardCount + " ready – ") + "Cluster status";
  setText(byId("live"), ready + " shards ready, " + numberText(nodes.length) + " nodes");
  const byNode = new Map(nodes.map((node) => [node.id, node]));
  fill("nodes", nodes.map((node) => [nodeTone(node), node.id, nodeState(node),
    numberText(node.ready) + " of " + numberText(node.shards), spanText(node.leaseLeftMs), dateText(node.joinedAt)]));
  fill("groups", groups.map(({ group, waiting, running, redelivered }) => [waiting > 0 ? "busy" : "good", group,
    waiting > 0 ? "◔ behind" : "● up to date", numberText(waiting), numberText(running), numberText(redelivered)]));
  fill("leases", leases.map((lease) => [leaseTone(lease), shardsText(lease.shardIds), leaseState(lease), lease.node ?? "–",
    spanText(lease.ageMs), spanText(byNode.get(lease.node)?.leaseLeftMs ?? null), numberText(lease.pending)]));
  byId("left-out").hidden = view.leasesLeftOut === 0;
  setText(byId("left-out"), "and " + numberText(view.leasesLeftOut) + " more, which status has");
}

// Rows stay the same elements: what somebody has selected or is reading is not taken away.
function fill(id, rows) {
  const body = byId(id);
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach(([tone, ...texts], index) => {
    const row = body.rows[index] ?? body.insertRow();
    row.dataset.tone = tone;
    texts.forEach((text, column) => {
      const cell = row.cells[column] ?? row.appendChild(document.createElement(column === 0 ? "th" : "td"));
      if (column === 0) cell.scope = "row";
      setText(cell, text);
    });
  });
}

function nodeTone({ leaseLeftMs, leaving, ready, shards }) {
  if (leaseLeftMs === null || leaseLeftMs === 0) return "bad";
  return leaving || ready < shards ? "busy" : "good";
}

function nodeState({ leaseLeftMs, leaving, ready, shards }) {
  if (leaseLeftMs === null) return "▲ does not answer";
  if (leaseLeftMs === 0) return "▲ cannot renew";
  if (leaving) return "↻ leaving";
  return ready < shards ? "◔ starting shards" : "● here";
}

function leaseTone({ node, state, notReady }) {
  if (state === "done") return "good";
  if (node === null || notReady === null) return "bad";
  return notReady.length > 0 ? "busy" : "good";
}

function leaseState({ node, state, notReady }) {
  if (state === "done") return "■ replaced";
  const step = state === "running" ? "" : ", " + state;
  if (node === null) return "▲ nobody's" + step;
  if (notReady === null) return "▲ unknown" + step;
  if (notReady.length === 0) return "● ready" + step;
  const few = notReady.slice(0, 3).map(({ shardId, phase }) => shardId + " " + phase.replace("_", " ")).join(", ");
  return "◔ " + few + (notReady.length > 3 ? ", …" : "") + step;
}

function shardsText(ids) {
  return ids.length === 1 ? "" + ids[0] : ids[0] + "–" + ids.at(-1);
}

function dateText(at) {
  return new Date(at).toLocaleString();
}

function spanText(ms) {
  if (ms === null) return "–";
  if (ms < 120000) return (ms / 1000).toFixed(ms < 10000 ? 1 : 0) + " s";
  return ms < 7200000 ? Math.round(ms / 60000) + " min" : numberText(Math.round(ms / 3600000)) + " h";
}
follow();
})();
`;
