/**
 * A `nats-server` for tests and examples: found, or downloaded into the project's cache folder, and run on a port and in
 * a folder of its own. Works on Deno and on Bun.
 *
 * @module
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const CACHE = fileURLToPath(new URL("../node_modules/.cache/gangway/", import.meta.url));

/** How long the download may take, in milliseconds: a closed network may not refuse it, but leave it without an answer. */
const DOWNLOAD_TIMEOUT_MS = 30_000;

/** How to get a server, where it cannot be had without asking. */
export const NATS_SERVER_HINT =
  "no nats-server: put one on the PATH (https://nats.io/download; on Debian the package " +
  "nats-server), or name it in NATS_SERVER";

/**
 * The path of a `nats-server`: the one that `NATS_SERVER` names, the one on the `PATH`, or on Debian the one of the
 * package, unpacked into the cache folder with nothing installed. `null` where there is none.
 */
export async function findNatsServer(): Promise<string | null> {
  const { NATS_SERVER, PATH = "" } = process.env;
  const cached = `${CACHE}nats-server/usr/sbin/nats-server`;
  const candidates = [
    ...(NATS_SERVER ? [NATS_SERVER] : PATH.split(delimiter).map((folder) => `${folder}/nats-server`)),
    cached,
  ];
  for (const candidate of candidates) if (await exists(candidate)) return candidate;
  if (NATS_SERVER !== undefined && NATS_SERVER !== "") return null;
  try {
    await unpackPackage();
    return cached;
  } catch {
    return null;
  }
}

async function unpackPackage(): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(`${CACHE}download-`);
  try {
    const run = promisify(execFile);
    await run("apt-get", ["download", "nats-server"], { cwd: folder, timeout: DOWNLOAD_TIMEOUT_MS });
    const file = (await readdir(folder)).find((name) => name.endsWith(".deb"));
    await run("dpkg", ["-x", `${folder}/${file}`, `${folder}/unpacked`]);
    // As a whole or not at all: others may be at it as well.
    await rename(`${folder}/unpacked`, `${CACHE}nats-server`).catch((error) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(() => true, () => false);
}

/** A server of its own, with JetStream. */
export class NatsServer implements AsyncDisposable {
  readonly #path: string;
  readonly #folder: string;
  #child: ChildProcess | null = null;
  #port = -1;

  private constructor(path: string, folder: string) {
    this.#path = path;
    this.#folder = folder;
  }

  /** Starts a server at a free port of 127.0.0.1. */
  static async start(path: string): Promise<NatsServer> {
    const server = new NatsServer(path, await mkdtemp(`${tmpdir()}/gangway-nats-`));
    await server.start();
    return server;
  }

  /** Where it listens. */
  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /** The process. */
  get pid(): number {
    return this.#child?.pid as number;
  }

  /** Starts again after {@linkcode kill}, at the same port, with what it had stored. */
  async start(): Promise<void> {
    const args = ["-js", "-sd", `${this.#folder}/store`, "-a", "127.0.0.1", "-p", String(this.#port)];
    const child = this.#child = spawn(this.#path, [...args, "--ports_file_dir", this.#folder], { stdio: "ignore" });
    const ports = `${this.#folder}/nats-server_${child.pid}.ports`;
    for (;;) {
      const text = await readFile(ports, "utf8").catch(() => "");
      const port = /"nats:\/\/127\.0\.0\.1:(\d+)"/.exec(text)?.[1];
      if (port !== undefined) {
        this.#port = Number(port);
        break;
      }
      if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}`);
      await delay(10);
    }
    await this.#answers();
  }

  /** The ports are written before they are opened. */
  async #answers(): Promise<void> {
    const { createConnection } = await import("node:net");
    for (;;) {
      const isOpen = await new Promise<boolean>((resolve) => {
        const socket = createConnection({ host: "127.0.0.1", port: this.#port });
        socket.once("data", () => {
          socket.destroy();
          resolve(true);
        });
        socket.once("error", () => resolve(false));
      });
      if (isOpen) return;
      await delay(10);
    }
  }

  /** Ends the process without warning. */
  async kill(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill(signal);
    await ended;
  }

  /** Ends it, and removes what it stored. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
