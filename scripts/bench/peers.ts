/**
 * Installs other libraries into a scratch folder.
 *
 * @module
 */

import * as esbuild from "esbuild";
import { command } from "../command.ts";
import type { Runtime } from "./scenario.ts";

/** The packages, and the runtimes on which they are known to take the whole stream. */
export const PEERS: Readonly<Record<string, readonly Runtime[]>> = {
  "cloudstorm": ["deno", "bun", "node"],
  // On Deno both lose everything after the first burst: they read a buffer that later writes have filled by then.
  "@discordjs/ws": ["bun", "node"],
  "@discordeno/gateway": ["bun", "node"],
  "oceanic.js": ["deno", "bun", "node"],
};

const VERSIONS: Readonly<Record<string, string>> = {
  "cloudstorm": "0.17.0",
  "@discordjs/ws": "2.0.4",
  "@discordeno/gateway": "21.0.0",
  "oceanic.js": "1.15.0",
};

/** Installs them, with the client that runs them; gives the folder. What is there already is kept. */
export async function installPeers(bun: string): Promise<string> {
  const folder = `${Deno.env.get("TMPDIR") ?? "/tmp"}/gangway-bench-peers`;
  await Deno.mkdir(folder, { recursive: true });
  const manifest = { private: true, type: "module", dependencies: VERSIONS };
  await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify(manifest, null, 2));
  const { success, output } = await command(bun, ["install", "--ignore-scripts"], { cwd: folder });
  if (!success) throw new Error(`Cannot install peers: ${output}`);
  try {
    await esbuild.build({
      entryPoints: [decodeURIComponent(new URL("clients/peer.ts", import.meta.url).pathname)],
      outfile: `${folder}/peer.mjs`,
      bundle: true,
      format: "esm",
      platform: "node",
      packages: "external",
    });
  } finally {
    await esbuild.stop();
  }
  return folder;
}

/** The packages with their versions, for the record. */
export function peerVersions(): string {
  return Object.entries(VERSIONS).map(([name, version]) => `${name} ${version}`).join(", ");
}
