/** The part of the page's script that follows the server. */
export const PAGE_STREAM = `
const RETRY_MS = 2000, SILENCE_MS = 20000, ANNOUNCE_MS = 1500, TOKEN = "gangway-status-token";
// What has come since the last frame.
let snapshot = null, updates = new Map(), summary = null, frame = 0;
let lastAt = null, isDrawn = false;
const announced = new Map();
let announcing;

async function follow() {
  for (;;) {
    try {
      const watch = new AbortController();
      const response = await ask("events", watch.signal);
      if (response.status === 401) {
        await login(sessionStorage.getItem(TOKEN) !== null);
        continue;
      }
      if (!response.ok) throw new Error((await response.json()).error);
      await read(response.body, watch);
    } catch (error) {
      const since = lastAt === null ? "" : " since " + timeText(lastAt);
      showProblem("No answer from the bot" + since + "; trying again. " + (error.name === "Error" ? error.message : ""));
    }
    await sleep(RETRY_MS);
  }
}

async function read(body, watch) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "", watchdog;
  try {
    for (;;) {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => watch.abort(), SILENCE_MS);
      const { done, value } = await reader.read();
      if (done) return;
      lastAt = Date.now();
      const messages = (rest + value).split("\\n\\n");
      rest = messages.pop();
      messages.forEach(take);
    }
  } finally {
    clearTimeout(watchdog);
  }
}

function take(message) {
  const [, name, text] = message.match(/^event: (.*)\\ndata: (.*)$/) ?? [];
  if (name === undefined) return;
  const data = JSON.parse(text);
  summary = data.summary;
  if (name === "snapshot") {
    snapshot = data.shards;
    updates = new Map();
    if (!isDrawn) {
      isDrawn = true;
      drawHistories();
    }
  } else {
    for (const row of data.shards) updates.set(row.id, row);
    for (const [id, rate] of Object.entries(data.rates)) {
      const row = updates.get(Number(id)) ?? cells.get(Number(id))?.row ?? snapshot?.find((row) => row.id === Number(id));
      if (row !== undefined) updates.set(row.id, { ...row, rate });
    }
    if (data.step) drawHistories();
  }
  // At most once a frame, and not at all while nobody can see it.
  if (frame === 0) frame = requestAnimationFrame(show);
}

function show() {
  frame = 0;
  byId("content").hidden = byId("login").hidden === false;
  if (snapshot !== null) {
    const rows = snapshot;
    snapshot = null;
    const isSame = rows.length === cells.size && rows.every(({ id }) => cells.has(id));
    if (isSame) for (const row of rows) updateRow(row);
    else {
      buildGrid(rows);
      announce();
    }
  }
  for (const row of updates.values()) updateRow(row);
  updates.clear();
  showCounts();
  showTurns(summary);
  showSummary(summary);
}

function updateRow(row) {
  const cell = cells.get(row.id);
  if (cell === undefined) return;
  if (cell.row.phase !== row.phase) announce(row);
  showRow(cell, row);
}

// Changes of phases only, and not one by one where there are many.
function announce(row) {
  if (row !== undefined) announced.set(row.id, row);
  announcing ??= setTimeout(() => {
    announcing = undefined;
    const changes = [...announced.values()].map(({ id, phase }) => "Shard " + id + " is " + (PHASES[phase]?.[1] ?? phase));
    announced.clear();
    const few = changes.length > 3 ? [numberText(changes.length) + " shards have changed"] : changes;
    setText(byId("live"), [...few, numberText(summary.ready) + " of " + numberText(summary.shards) + " shards ready"].join(". "));
  }, ANNOUNCE_MS);
}

function showSummary(s) {
  setText(byId("ready"), numberText(s.ready) + " of " + numberText(s.shards));
  setText(byId("rate"), numberText(s.rate));
  setText(byId("latency"), latencyText(s.latency));
  setText(byId("guilds"), numberText(s.guilds));
  setText(byId("identifies"), numberText(s.identifiesLeft));
  const isStarting = s.connectedInMs !== null;
  byId("start").parentElement.hidden = !isStarting && s.connectedAfterMs === null;
  setText(byId("start-label"), isStarting ? "All connected in" : "All connected after");
  setText(byId("start"), isStarting ? "about " + spanText(s.connectedInMs) : spanText(s.connectedAfterMs));
  const others = s.shardCount !== null && s.shardCount !== s.shards ? " of " + numberText(s.shardCount) : "";
  const rescaling = s.rescaling === null
    ? ""
    : "; rescaling to " + s.rescaling.shardCount + ", " + s.rescaling.ready + " of " + s.rescaling.total + " ready";
  setText(byId("state"), s.alive ? numberText(s.shards) + others + (s.shards === 1 ? " shard" : " shards") + rescaling : "Not connected");
  document.title = s.alive ? s.ready + "/" + s.shards + " ready – Gateway status" : "Gateway status";
  showProblem(
    s.failure ?? (s.limitedUntil === null ? null : "No identifies are left; they are renewed at " + timeText(s.limitedUntil)),
  );
}

function spanText(ms) {
  if (ms === null) return "–";
  if (ms < 10000) return (ms / 1000).toFixed(1) + " s";
  return ms < 120000 ? Math.round(ms / 1000) + " s" : Math.round(ms / 60000) + " min";
}
`;
