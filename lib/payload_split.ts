/** Between two compact JSON objects, and nowhere inside one. */
const BOUNDARY = '}{"';

/**
 * Splits text that holds whole payloads, one behind the other.
 *
 * The short way looks for `}{"` and a letter: inside one JSON document that cannot stand, because a quote that closes a
 * string is followed by a comma, a colon, a bracket or white space. Where the short way does not come to the number of
 * payloads there should be (white space between or inside of them), depths are counted.
 *
 * @param count How many payloads there should be.
 */
export function splitPayloads(text: string, count: number): string[] {
  if (count === 1) return [text];
  const payloads: string[] = [];
  let from = 0;
  for (let at = text.indexOf(BOUNDARY); at >= 0; at = text.indexOf(BOUNDARY, at + 1)) {
    if (!isLetter(text.charCodeAt(at + BOUNDARY.length))) continue;
    payloads.push(text.slice(from, at + 1));
    from = at + 1;
  }
  payloads.push(text.slice(from));
  return payloads.length === count ? payloads : splitByDepth(text);
}

function isLetter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f;
}

/** Whatever is between objects belongs to the one after it; what is left at the end, and is not blank, comes last. */
function splitByDepth(text: string): string[] {
  const payloads: string[] = [];
  let from = 0;
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (inString) {
      if (char === "\\") at++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") {
      depth--;
      if (depth > 0) continue;
      payloads.push(text.slice(from, at + 1));
      from = at + 1;
      depth = 0;
    }
  }
  const rest = text.slice(from);
  if (rest.trim() !== "") payloads.push(rest);
  return payloads;
}
