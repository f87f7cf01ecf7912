/** How the page looks. */
export const PAGE_STYLE = `
:root {
  --back: #f6f7f9; --card: #fff; --text: #1b1f24; --quiet: #57606a; --line: #d5dae0; --focus: #0b57d0;
  --good: #1a7f37; --busy: #8a5a00; --bad: #b42318; --idle: #57606a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #101318; --card: #1a1f27; --text: #e7ebf0; --quiet: #a3adb9; --line: #323a46; --focus: #8ab4f8;
    --good: #4fc47a; --busy: #e3a838; --bad: #ff8a80; --idle: #a3adb9;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0 auto; max-width: 90rem; padding: 1rem; background: var(--back); color: var(--text);
  font: 1rem/1.4 system-ui, sans-serif;
}
body.open { padding-bottom: 50vh; }
header { display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: baseline; justify-content: space-between; }
h1, h2 { margin: 0; font-size: 1.3rem; }
h2 { font-size: 1.1rem; }
#state, .quiet, dt, figcaption, legend { color: var(--quiet); }
#state { margin: 0; }
.quiet, figcaption, legend, dt { font-size: .85rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.problem { border-left: .3rem solid var(--bad); background: var(--card); padding: .6rem .8rem; margin: 1rem 0; }
dl { margin: 0; }
dd { margin: 0; font-variant-numeric: tabular-nums; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .5rem; margin: 1rem 0 .5rem; }
.tiles div, figure { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .7rem; }
.tiles dd { font-size: 1.15rem; font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .5rem; }
figure { margin: 0; min-width: 0; }
svg { border-bottom: 1px solid var(--line); display: block; width: 100%; height: 3rem; }
svg path { fill: none; stroke: var(--focus); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
fieldset { display: flex; flex-wrap: wrap; gap: .2rem .9rem; border: 0; padding: 0; margin: 1rem 0 .3rem; }
legend { padding: 0; }
fieldset label { display: inline-flex; gap: .3rem; align-items: center; min-height: 1.6rem; cursor: pointer; }
fieldset .glyph { width: 1em; text-align: center; }
#hint { margin: 0 0 .4rem; }
@media (hover: none) {
  #hint { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
}
#grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: .4rem; }
.cell {
  display: grid; grid-template-columns: 1fr auto; gap: 0 .4rem; align-content: start; cursor: pointer;
  background: var(--card); border: 1px solid var(--line); border-left: .3rem solid var(--tone); border-radius: .3rem;
  padding: .35rem .5rem; font-size: .85rem; font-variant-numeric: tabular-nums; min-height: 6.3rem;
  content-visibility: auto; contain-intrinsic-size: auto 10rem auto 6.3rem;
}
.cell .phase { justify-self: end; white-space: nowrap; }
.glyph { color: var(--tone); margin-right: .25em; }
.cell .rate { text-align: right; }
.cell .guilds, .cell .turn { grid-column: 1 / -1; }
.cell .last {
  grid-column: 1 / -1; color: var(--quiet); display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2;
  overflow: hidden; overflow-wrap: anywhere;
}
.cell[aria-selected="true"] { outline: 2px solid var(--text); outline-offset: -1px; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 1px; }
.dense { grid-template-columns: repeat(auto-fill, minmax(6.3rem, 1fr)) !important; gap: .25rem !important; }
.dense .cell { min-height: 2.9rem; padding: .15rem .35rem; font-size: .75rem; contain-intrinsic-size: auto 6rem auto 2.9rem; }
.dense .glyph { margin: 0; }
.dense .word, .dense .guilds, .dense .turn, .dense .last {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
.cell { --tone: var(--idle); position: relative; }
[data-phase="ready"] { --tone: var(--good); }
[data-phase="connecting"], [data-phase="identifying"], [data-phase="resuming"], [data-phase="waiting"] { --tone: var(--busy); }
[data-phase="backing_off"], [data-phase="closed"] { --tone: var(--bad); }
.cell[data-phase="backing_off"], .cell[data-phase="closed"] { border-left-style: double; border-left-width: .45rem; }
[data-filter="ready"] .cell:not([data-phase="ready"]),
[data-filter="not_ready"] .cell[data-phase="ready"],
[data-filter="waiting"] .cell:not([data-phase="waiting"]),
[data-filter="connecting"] .cell:not([data-phase="connecting"]),
[data-filter="identifying"] .cell:not([data-phase="identifying"]),
[data-filter="resuming"] .cell:not([data-phase="resuming"]),
[data-filter="backing_off"] .cell:not([data-phase="backing_off"]),
[data-filter="idle"] .cell:not([data-phase="idle"]),
[data-filter="closed"] .cell:not([data-phase="closed"]) { display: none; }
#details {
  position: fixed; inset: auto 0 0 0; max-height: 48vh; overflow: auto; background: var(--card);
  border-top: 2px solid var(--line); padding: .7rem max(1rem, calc(50vw - 45rem)) 1rem; box-shadow: 0 -4px 16px #0003;
}
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .3rem .8rem; margin: .4rem 0; }
.facts .wide { grid-column: 1 / -1; }
button, input { font: inherit; min-height: 2rem; padding: .2rem .8rem; color: inherit; background: var(--back); border: 1px solid var(--quiet); border-radius: .3rem; }
input[type="radio"] { min-height: 0; }
#login { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: 1rem 0; }
@media (forced-colors: active) { .cell { border-left-color: CanvasText; } }
`;
