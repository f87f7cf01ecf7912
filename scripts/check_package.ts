/**
 * Checks the npm package that `build.ts` has made: packs it, has it judged by publint and by "are the types wrong", installs
 * it into an empty folder, and there runs the bot of `examples/ping_pong.ts` and the doctor on Bun and on Node.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import denoJson from "../deno.json" with { type: "json" };
import packageJson from "../package.json" with { type: "json" };
import { LocalGateway } from "../lib/testing/mod.ts";
import { findBun } from "./bun.ts";
import { command, type CommandResult, deno, ROOT } from "./command.ts";
import { findNode } from "./node.ts";

const DEADLINE_MS = 60_000;

/** Starts the example's bot, and stops in order when it is asked to. */
const BOT = `
import { shutdownOnSignal } from "@gangway/gateway/shutdown";
import { manager } from "./ping_pong.ts";
shutdownOnSignal(manager);
manager.connect();
await manager.closed;
`;

/** The same with what needs \`node:zlib\`. */
const COMPRESSED_BOT = `
import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
import { createNodeDecompressor } from "@gangway/gateway/node";
import { shutdownOnSignal } from "@gangway/gateway/shutdown";
const authentication = new BotAuthentication(process.env.DISCORD_TOKEN);
const httpClient = new HTTPClient({ baseUrl: process.env.GANGWAY_API_URL });
const intents = GatewayIntent.GuildMessages | GatewayIntent.MessageContent;
const manager = new ShardManager(authentication, intents, httpClient, {
  compress: process.argv[2],
  createDecompressor: createNodeDecompressor,
});
manager.eventDispatcher.listen("MESSAGE_CREATE", async ({ channel_id, content }) => {
  if (content === "ping") await httpClient.createMessage(authentication, channel_id, { content: "pong" });
});
shutdownOnSignal(manager);
manager.connect();
await manager.closed;
`;

/** What whoever installs it type-checks with. */
const TSCONFIG = {
  compilerOptions: {
    ...{ strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false },
    ...{ module: "nodenext", target: "esnext", lib: ["esnext", "dom", "dom.iterable"], types: [] },
  },
  files: ["all.ts"],
};

async function main(): Promise<boolean> {
  const folder = await Deno.makeTempDir({ prefix: "gangway-package-" });
  try {
    const [tarball, bun, node] = await Promise.all([pack(folder), findBun(), findNode()]);
    const judged = Promise.all([
      step("publint", deno(["run", "-A", "npm:publint", "run", tarball, "--strict"])),
      step("are the types wrong", deno(["run", "-A", "npm:@arethetypeswrong/cli", "--profile", "esm-only", tarball])),
    ]);
    await install(folder, tarball);
    const results = [
      await step("types", checkTypes(folder)),
      ...await judged,
    ];
    for (const [name, program] of [["Bun", bun], ["Node", node]] as const) {
      results.push(
        await step(`ping-pong on ${name}`, runBot(folder, program, ["bot.mjs"])),
        await step(
          `zlib-stream on ${name}`,
          runBot(folder, program, ["compressed_bot.mjs", "zlib-stream"], "zlib-stream"),
        ),
        await step(
          `zstd-stream on ${name}`,
          runBot(folder, program, ["compressed_bot.mjs", "zstd-stream"], "zstd-stream"),
        ),
        await step(
          `doctor on ${name}`,
          command(program, ["node_modules/.bin/gangway-doctor", "--local"], { cwd: folder }),
        ),
      );
    }
    // As the doctor's help says.
    const bunx = command(bun, ["x", "--bun", denoJson.name, "--local"], { cwd: folder });
    results.push(await step("doctor by bunx", bunx));
    return results.every((success) => success);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function pack(folder: string): Promise<string> {
  const { success, output } = await command("npm", ["pack", "--silent", "--pack-destination", folder], {
    cwd: new URL("dist/", ROOT),
  });
  const [name] = output.match(/\S+\.tgz/) ?? [];
  if (!success || name === undefined) throw new Error(`Cannot pack dist/: ${output}`);
  return `${folder}/${name}`;
}

async function install(folder: string, tarball: string): Promise<void> {
  const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
  await write("package.json", JSON.stringify({ private: true, type: "module" }));
  // What single entry points ask whoever uses them to install, in the versions of the tests.
  const versions: Record<string, string> = packageJson.devDependencies;
  const peers = Object.keys(packageJson.peerDependencies).map((name) => `${name}@${versions[name]}`);
  const packages = [tarball, ...peers];
  const flags = ["--no-audit", "--no-fund", "--prefer-offline"];
  const { success, output } = await command("npm", ["install", ...flags, ...packages], { cwd: folder });
  if (!success) throw new Error(`Cannot install the package: ${output}`);
  await Deno.copyFile(new URL("examples/ping_pong.ts", ROOT), `${folder}/ping_pong.ts`);
  await write("bot.mjs", BOT);
  await write("compressed_bot.mjs", COMPRESSED_BOT);
  await write("tsconfig.json", JSON.stringify(TSCONFIG));
  const entries = Object.keys(denoJson.exports).map((entry) => entry.replace(".", denoJson.name));
  const imports = entries.map((entry, index) => `import * as entry${index} from "${entry}";\nvoid entry${index};\n`);
  await write("all.ts", imports.join(""));
}

/** Type-checks a program that imports every entry point; what the declarations of other packages lack is theirs. */
async function checkTypes(folder: string): Promise<CommandResult> {
  const { success, output } = await command("node", [pathOf("node_modules/typescript/bin/tsc"), "-p", "."], {
    cwd: folder,
  });
  const errors = output.split("\n").filter((line) => line.includes("error TS"));
  const own = errors.filter((line) => /^(?!node_modules\/(?!@gangway\/))/.test(line));
  // A compiler that did not run has found nothing.
  return { success: success || (errors.length > 0 && own.length === 0), output: own.join("\n") || output };
}

/** Runs a bot until it has answered, stops it, and looks at how it behaved. */
async function runBot(
  cwd: string,
  program: string,
  args: readonly string[],
  compress?: string,
): Promise<CommandResult> {
  await using discord = await LocalGateway.start();
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const child = new Deno.Command(program, {
    args: [...args],
    cwd,
    env: { DISCORD_TOKEN: discord.token, GANGWAY_API_URL: discord.url },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal,
  }).spawn();
  const ended = child.output();
  const answer = discord.next("message", () => true, { signal });
  await Promise.race([discord.next("identify", ({ outcome }) => outcome === "ready", { signal }), ended]);
  discord.user("Ann").says("ping");
  const first = await Promise.race([answer, ended]);
  if ("content" in first) child.kill("SIGTERM");
  answer.catch(() => {});
  const { code, stdout, stderr } = await ended;
  const output = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  const problems = [...discord.violations];
  if (code !== 0) problems.push(`ended with ${code}`);
  if (discord.messages.map(({ content }) => content).join() !== "pong") problems.push("did not answer pong");
  const agreed = discord.connections[0]?.query.compress;
  if (compress !== undefined && agreed !== compress) problems.push(`agreed on ${agreed}`);
  return { success: problems.length === 0, output: [...problems, output].join("\n") };
}

async function step(name: string, running: Promise<CommandResult>): Promise<boolean> {
  const { success, output } = await running;
  console.log(`${success ? "ok    " : "FAILED"} ${name}`);
  if (!success) console.log(output.replace(/^/gm, "       "));
  return success;
}

function pathOf(file: string): string {
  return decodeURIComponent(new URL(file, ROOT).pathname);
}

if (!await main()) Deno.exit(1);
