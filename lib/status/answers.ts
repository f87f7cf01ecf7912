/** Makes a response that nobody keeps, frames or takes for something else. */
export function answer(body: BodyInit | null, init: ResponseInit): Response {
  const response = new Response(body, init);
  const { headers } = response;
  headers.set("cache-control", "no-store");
  headers.set("cross-origin-resource-policy", "same-origin");
  headers.set("referrer-policy", "no-referrer");
  headers.set("x-content-type-options", "nosniff");
  headers.set("x-frame-options", "DENY");
  if (!headers.has("content-security-policy")) headers.set("content-security-policy", "default-src 'none'");
  return response;
}

/** Answers with JSON. */
export function answerJSON(data: unknown, status = 200): Response {
  return answer(JSON.stringify(data), { status, headers: { "content-type": "application/json" } });
}

/** Answers with why there is no other answer. */
export function refuse(status: number, error: string, headers: Record<string, string> = {}): Response {
  return answer(JSON.stringify({ error }), { status, headers: { "content-type": "application/json", ...headers } });
}

/** Answers with a page that has one script and one style, which alone may be used. */
export async function answerPage(page: string, script: string, style: string): Promise<Response> {
  const policy = [
    "default-src 'none'",
    `script-src ${await hashOf(script)}`,
    `style-src ${await hashOf(style)}`,
    "connect-src 'self'",
    "img-src data:",
    ...["base-uri", "form-action", "frame-ancestors"].map((name) => `${name} 'none'`),
  ].join("; ");
  return answer(page, { headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": policy } });
}

/** What allows an inline script or style, and no other. */
async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`;
}
