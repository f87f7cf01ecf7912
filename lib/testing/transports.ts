import type { Hub } from "./hub.ts";
import { HttpApi } from "./http_api.ts";
import type { Link, LinkHandler, Via } from "./link.ts";
import { MemoryWebSocket } from "./memory_socket.ts";
import { serveNative } from "./native_server.ts";
import type { NativeServer } from "./native_server.ts";
import { Relay, Wires } from "./wire.ts";

/** The host names of the addresses that only lead into memory; `.invalid` never resolves. */
const MEMORY_HOSTS = { gateway: "gateway.local.invalid", resume: "resume.local.invalid" };

/** The ways into a gateway: memory, and where it listens, sockets. */
export class Transports {
  /** The base of the HTTP API. */
  url = `http://${MEMORY_HOSTS.gateway}/api/v10`;
  readonly #hub: Hub;
  readonly #api: HttpApi;
  readonly #wires = new Wires();
  readonly #stopped = new Set<Via>();
  #server: NativeServer | null = null;
  #relays: { [via in Via]: Relay } | null = null;

  /** Opens the way through memory. */
  constructor(hub: Hub) {
    this.#hub = hub;
    this.#api = new HttpApi(hub);
    hub.gatewayUrl = `ws://${MEMORY_HOSTS.gateway}`;
    hub.resumeUrl = `ws://${MEMORY_HOSTS.resume}`;
  }

  /** Opens sockets: a native server, and a relay for each of the two addresses. */
  async listen(): Promise<void> {
    this.#server = serveNative({
      request: (request, port) => this.#request(request, port),
      upgrade: (request, port) => this.#upgrade(request, port),
    });
    const { port } = this.#server;
    const gateway = await Relay.listen("gateway", port, this.#wires);
    const resume = await Relay.listen("resume", port, this.#wires);
    this.#relays = { gateway, resume };
    this.url = `http://127.0.0.1:${gateway.port}/api/v10`;
    this.#hub.gatewayUrl = `ws://127.0.0.1:${gateway.port}`;
    this.#hub.resumeUrl = `ws://127.0.0.1:${resume.port}`;
  }

  /** Refuses new connections. */
  stop(via?: Via): void {
    for (const each of via === undefined ? ["gateway", "resume"] as const : [via]) {
      this.#stopped.add(each);
      this.#relays?.[each].stop();
    }
  }

  /** Accepts connections again. */
  async start(): Promise<void> {
    this.#stopped.clear();
    await this.#relays?.gateway.start();
    await this.#relays?.resume.start();
  }

  /** A request through memory. */
  async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    if (this.#stopped.has("gateway")) throw new TypeError("Cannot fetch: connection refused");
    const aborted = Promise.withResolvers<never>();
    aborted.promise.catch(() => {});
    const abort = (): void => aborted.reject(request.signal.reason);
    request.signal.addEventListener("abort", abort, { once: true });
    try {
      const response = await Promise.race([this.#api.handle(request), aborted.promise]);
      if (response === null) throw new TypeError("Cannot fetch: connection reset");
      return response;
    } finally {
      request.signal.removeEventListener("abort", abort);
    }
  }

  /** A WebSocket through memory. */
  createWebSocket(url: string): MemoryWebSocket {
    const via: Via = new URL(url).host === new URL(this.#hub.resumeUrl).host ? "resume" : "gateway";
    const refused = this.#stopped.has(via) || this.#hub.faults.takeUpgrade(via) !== undefined;
    return new MemoryWebSocket(url, refused ? null : this.#hub.connect(url, via));
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.stop();
    this.#api.close();
    for (const connection of [...this.#hub.connections]) connection.drop();
    await Promise.all([...this.#wires.all].map((wire) => wire.destroy()));
    await this.#server?.stop();
  }

  async #request(request: Request, port: number): Promise<Response> {
    const response = await this.#api.handle(request);
    if (response !== null) return response;
    this.#wires.byPort.get(port)?.drop();
    return new Response(null, { status: 500 });
  }

  #upgrade(
    request: Request,
    port: number,
  ): Response | { handler: LinkHandler; link: (socket: { send: Link["send"]; close: Link["close"] }) => Link } {
    const wire = this.#wires.byPort.get(port);
    const via = wire?.via ?? "gateway";
    const status = this.#hub.faults.takeUpgrade(via);
    if (status !== undefined) return new Response("Scripted", { status });
    if (new URL(request.url).pathname !== "/") return new Response("Not found", { status: 404 });
    if (wire !== undefined) wire.upgraded = true;
    return {
      handler: this.#hub.connect(request.url, via),
      link: (socket) => ({
        send: (data) => socket.send(data),
        close: (code, reason) => socket.close(code, reason),
        drop: () => wire?.drop(),
        freeze: (on) => wire?.freeze(on),
        cutAfter: (bytes) => wire?.cutAfter(bytes),
      }),
    };
  }
}
