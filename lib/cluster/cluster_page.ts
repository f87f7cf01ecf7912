import { PAGE_LOGIN } from "../status/page_basics.ts";
import { PAGE_STYLE } from "../status/page_style.ts";
import { CLUSTER_PAGE_SCRIPT } from "./cluster_page_script.ts";

/** How the page looks: like that of a single process, with tables. */
export const CLUSTER_PAGE_STYLE = `${PAGE_STYLE}
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 .5rem; background: var(--card); border: 1px solid var(--line); }
caption { text-align: left; font-size: 1.1rem; font-weight: 600; padding-bottom: .3rem; }
th, td { text-align: left; padding: .3rem .7rem; border-top: 1px solid var(--line); font-variant-numeric: tabular-nums; }
thead th { color: var(--quiet); font-size: .85rem; font-weight: normal; white-space: nowrap; }
td, th { overflow-wrap: anywhere; }
tr[data-tone="good"] { --tone: var(--good); }
tr[data-tone="busy"] { --tone: var(--busy); }
tr[data-tone="bad"] { --tone: var(--bad); }
tbody td:first-of-type { color: var(--tone); white-space: nowrap; }
`;

/** The page. There is nothing in it before its script has asked for `view`. */
export const CLUSTER_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Cluster status</title>
<link rel="icon" href="data:,">
<style>${CLUSTER_PAGE_STYLE}</style>
</head>
<body>
<header>
  <h1>Cluster status</h1>
  <p id="state">Connecting…</p>
</header>
<main>
  <p id="problem" class="problem" role="alert" hidden></p>
${PAGE_LOGIN}  <noscript><p class="problem">This page needs JavaScript; <code>status</code> and <code>readyz</code> do not.</p></noscript>
  <div id="content" hidden>
    <dl class="tiles">
      <div><dt>Shards ready</dt><dd id="ready">–</dd></div>
      <div><dt>Nodes</dt><dd id="node-count">–</dd></div>
      <div><dt>Waiting to identify</dt><dd id="waiting">–</dd></div>
      <div><dt>Identifies left today</dt><dd id="identifies">–</dd></div>
      <div><dt>Identifies renewed at</dt><dd id="reset">–</dd></div>
      <div><dt>Events in streams</dt><dd id="messages">–</dd></div>
      <div><dt>Dead letters</dt><dd id="dead">–</dd></div>
      <div><dt>Times events were lost</dt><dd id="losses">–</dd></div>
    </dl>
    ${table("nodes", "Nodes", ["Node", "State", "Shards ready", "Lease left", "Joined"])}
    ${table("groups", "Workers", ["Group", "State", "Waiting", "Running", "Delivered again"])}
    ${table("leases", "Leases", ["Shards", "State", "Owner", "Owned for", "Lease left", "To publish"])}
    <p id="left-out" class="quiet" hidden></p>
  </div>
</main>
<p id="live" class="hidden" role="status"></p>
<script>${CLUSTER_PAGE_SCRIPT}</script>
</body>
</html>
`;

function table(id: string, caption: string, columns: readonly string[]): string {
  const heads = columns.map((column) => `<th scope="col">${column}</th>`).join("");
  return `<div class="scroll"><table><caption>${caption}</caption><thead><tr>${heads}</tr></thead><tbody id="${id}"></tbody></table></div>`;
}
