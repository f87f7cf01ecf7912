/** What became of one test. */
export type Outcome = "passed" | "failed" | "skipped";

/** One test in a report. */
export interface ReportedTest {
  /** Its name, without the reason it was skipped for. */
  name: string;
  /** Its file, where the report says. */
  file: string | undefined;
  /** What became of it. */
  outcome: Outcome;
  /** Why it was skipped, where it was. */
  reason: string | undefined;
}

const TEST_CASE = /<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g;
const REASON = / \[skipped: (.*)\]$/;
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/**
 * Reads the JUnit report of either runtime. Both escape `<`, `>` and quotes in attributes and texts, so a pattern is all
 * the parser it takes.
 */
export function readReport(xml: string): ReportedTest[] {
  return Array.from(xml.matchAll(TEST_CASE), ([, attributes = "", body = ""]) => {
    const fullName = attribute(attributes, "name") ?? "";
    const skipped = /<(skipped|disabled)\b/.test(body);
    const failed = /<(failure|error)\b/.test(body);
    return {
      name: fullName.replace(REASON, ""),
      file: attribute(attributes, "file"),
      outcome: failed ? "failed" : skipped ? "skipped" : "passed",
      reason: skipped ? fullName.match(REASON)?.[1] ?? "no reason given" : undefined,
    };
  });
}

function attribute(attributes: string, name: string): string | undefined {
  const [, value] = attributes.match(new RegExp(`\\b${name}="([^"]*)"`)) ?? [];
  return value?.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (entity, decimal, hex, named) => {
    if (decimal) return String.fromCodePoint(Number(decimal));
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    return ENTITIES[named] ?? entity;
  });
}
