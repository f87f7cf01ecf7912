import { PAGE_LOGIN } from "./page_basics.ts";
import { CHART_VIEW_BOX } from "./page_charts.ts";
import { PAGE_SCRIPT } from "./page_script.ts";
import { PAGE_STYLE } from "./page_style.ts";

/** The page. There is nothing in it before its script has asked for `events`. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Gateway status</title>
<link rel="icon" href="data:,">
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
  <h1>Gateway status</h1>
  <p id="state">Connecting…</p>
</header>
<main>
  <p id="problem" class="problem" role="alert" hidden></p>
${PAGE_LOGIN}  <noscript><p class="problem">This page needs JavaScript; <code>metrics</code> and <code>readyz</code> do not.</p></noscript>
  <div id="content" hidden>
    <dl class="tiles">
      <div><dt>Shards ready</dt><dd id="ready">–</dd></div>
      <div><dt>Events/s</dt><dd id="rate">–</dd></div>
      <div><dt>Latency, median</dt><dd id="latency">–</dd></div>
      <div><dt>Guilds</dt><dd id="guilds">–</dd></div>
      <div><dt>Identifies left today</dt><dd id="identifies">–</dd></div>
      <div><dt id="start-label">All connected</dt><dd id="start">–</dd></div>
    </dl>
    <section class="charts" aria-label="The last 15 minutes of all shards">
      <figure><figcaption id="rate-caption">Events/s</figcaption>
        <svg id="rate-chart" viewBox="${CHART_VIEW_BOX}" preserveAspectRatio="none" aria-hidden="true"><path/></svg></figure>
      <figure><figcaption id="latency-caption">Latency</figcaption>
        <svg id="latency-chart" viewBox="${CHART_VIEW_BOX}" preserveAspectRatio="none" aria-hidden="true"><path/></svg></figure>
    </section>
    <fieldset id="filters"><legend>Show</legend></fieldset>
    <p id="hint" class="quiet">Arrow keys move from shard to shard, Enter shows one, Escape closes it.</p>
    <div id="grid" role="listbox" aria-label="Shards" aria-describedby="hint" data-filter="all"></div>
    <p id="none" class="quiet" hidden>No shard is in this phase.</p>
  </div>
</main>
<section id="details" aria-labelledby="details-title" hidden>
  <header><h2 id="details-title">Shard</h2><button id="close" type="button">Close</button></header>
  <dl class="facts">
    <div><dt>Phase</dt><dd id="d-phase"></dd></div>
    <div><dt>Latency</dt><dd id="d-latency"></dd></div>
    <div><dt>Guilds</dt><dd id="d-guilds"></dd></div>
    <div><dt>Events/s</dt><dd id="d-rate"></dd></div>
    <div><dt>Sessions begun, resumed</dt><dd id="d-sessions"></dd></div>
    <div><dt>Connections lost</dt><dd id="d-disconnects"></dd></div>
    <div class="wide" hidden><dt>Its turn to identify</dt><dd id="d-turn"></dd></div>
    <div class="wide" hidden><dt>Last attempt to connect</dt><dd id="d-failure"></dd></div>
    <div class="wide"><dt>Last disconnect</dt><dd id="d-last"></dd></div>
  </dl>
  <div class="charts">
    <figure><figcaption id="d-rate-caption">Events/s</figcaption>
      <svg id="d-rate-chart" viewBox="${CHART_VIEW_BOX}" preserveAspectRatio="none" aria-hidden="true"><path/></svg></figure>
    <figure><figcaption id="d-latency-caption">Latency</figcaption>
      <svg id="d-latency-chart" viewBox="${CHART_VIEW_BOX}" preserveAspectRatio="none" aria-hidden="true"><path/></svg></figure>
  </div>
</section>
<p id="live" class="hidden" role="status"></p>
<template id="cell"><div class="cell" role="option" tabindex="-1" aria-selected="false"><span class="name"><span
  class="hidden">Shard </span><b></b></span> <span class="phase"><span class="glyph" aria-hidden="true"></span><span
  class="word"></span></span> <span class="latency"></span> <span class="rate"></span> <span class="guilds"></span>
  <span class="turn"></span> <span class="last"></span></div></template>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
