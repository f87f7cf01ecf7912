import { sampleId } from "./sample_id.ts";

/** The body of a request, where it could be read. */
export type Body = { ok: true; value: unknown } | { ok: false };

/** Reads a body: JSON, or a form with the JSON in `payload_json` and files beside it. */
export async function readBody(request: Request): Promise<Body> {
  const isForm = request.headers.get("content-type")?.startsWith("multipart/form-data") ?? false;
  try {
    if (isForm) return { ok: true, value: await readForm(request) };
    const text = await request.text();
    return { ok: true, value: text === "" ? undefined : JSON.parse(text) };
  } catch {
    return { ok: false };
  }
}

/** Of files, a message shows the names and sizes: in the order of `files[n]`, the part that describes each added. */
async function readForm(request: Request): Promise<unknown> {
  const form = await request.formData();
  const json = form.get("payload_json");
  const value = typeof json === "string" ? JSON.parse(json) as Record<string, unknown> : {};
  const described = Array.isArray(value.attachments) ? value.attachments as Record<string, unknown>[] : [];
  const attachments = [...form].flatMap(([field, file]) => {
    if (typeof file === "string") return [];
    const index = /^files\[(\d+)\]$/.exec(field)?.[1];
    const description = described.find(({ id }) => String(id) === index);
    const url = `https://cdn.local.invalid/${file.name}`;
    const shown = { filename: file.name, size: file.size, content_type: file.type, url, proxy_url: url };
    return [{ ...shown, ...description, id: sampleId() }];
  });
  return attachments.length === 0 ? value : { ...value, attachments };
}
