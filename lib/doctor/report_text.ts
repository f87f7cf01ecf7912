import type { DoctorReport } from "./examine.ts";

/** What a piece of text can look like. */
export type Look = "bold" | "dim" | "green" | "red";

/** Gives text a look. */
export type Style = (look: Look, text: string) => string;

const LABEL_COLUMNS = 14;

/** Writes a report for people, a line for each thing. */
export function reportText(report: DoctorReport, style: Style = (_, text) => text): string {
  const { application, gateway, connection, runtime, problems } = report;
  const lines: [label: string, text: string][] = [["Token", tokenText(report, style)]];
  if (application !== null) lines.push(["Application", `${plain(application.name)} (${plain(application.id)})`]);
  lines.push(["Intents", report.intents.names.join(", ") || style("dim", "none asked for; give them with --intents")]);
  if (application !== null) lines.push(["Privileged", privilegedText(report, style)]);
  if (gateway !== null) {
    const { shards, maxConcurrency, fullStartMs, identifies: { total, remaining, resetAfterMs } } = gateway;
    const all = shards === 1 ? "it starts at once" : "all of them start at once";
    const start = fullStartMs === 0 ? all : `a full start takes ${about(fullStartMs)}`;
    lines.push(
      [
        "Shards",
        `${shards} recommended; ${maxConcurrency} may identify every 5 s, ${start}`,
      ],
      ["Identifies", `${remaining} of ${total} left, renewed in ${about(resetAfterMs)}`],
    );
  }
  if (connection !== null) {
    const { heartbeatMs, helloMs, compress } = connection;
    lines.push(
      ["Round trip", `${heartbeatMs.toFixed(1)} ms; ${helloMs.toFixed(0)} ms to connect`],
      ["Compression", compress === "none" ? "none" : `${compress} agreed`],
    );
  }
  const formats = runtime.compression.join(", ") || "no compression without @gangway/gateway/node";
  lines.push(["Runtime", `${runtime.name} ${runtime.version} on ${runtime.platform}: ${formats}`]);
  lines.push(["Library", `@gangway/gateway ${runtime.library}`]);
  const verdict = problems.length === 0
    ? [style("green", "Nothing is wrong")]
    : problems.map((problem) => `${style("red", "Problem:")} ${plain(problem)}`);
  return [
    ...lines.map(([label, text]) => `${style("bold", label.padEnd(LABEL_COLUMNS))}${text}`),
    "",
    ...verdict,
  ].join("\n");
}

function tokenText({ tokenValid }: DoctorReport, style: Style): string {
  if (tokenValid === null) return style("red", "not known: Discord could not be asked");
  return tokenValid ? style("green", "valid") : style("red", "not valid");
}

function privilegedText({ privilegedIntents, intents }: DoctorReport, style: Style): string {
  return privilegedIntents.map(({ name, state }) => {
    const text = `${name} ${state}`;
    return intents.names.includes(name) ? style(state === "on" ? "green" : "red", text) : style("dim", text);
  }).join(", ");
}

/** A time that one can make plans with. */
function about(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** What others wrote must not steer the terminal. */
function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, "");
}
