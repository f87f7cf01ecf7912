/**
 * A `DecompressionStream` that does what it is told, in the place of the platform's.
 *
 * @module
 */

const { DecompressionStream } = globalThis;
const encoder = new TextEncoder();

/** While it is in use, the next `DecompressionStream` gives what it is told to, and its writes end when they are told to. */
export class ScriptedStream implements Disposable {
  #output: ReadableStreamDefaultController<Uint8Array> | undefined;
  #ends: PromiseWithResolvers<void>[] = [];
  #begun = 0;
  #ended = 0;
  /** Resolves when a read that all chunks so far have been given to has been followed by another one. */
  #taken = Promise.withResolvers<void>();

  constructor() {
    const readable = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#output = controller;
      },
      pull: () => this.#taken.resolve(),
    }, { highWaterMark: 0 });
    const writable = new WritableStream<BufferSource>({ write: () => this.#end(this.#begun++).promise });
    globalThis.DecompressionStream = class {
      readonly readable = readable;
      readonly writable = writable;
    } as unknown as typeof DecompressionStream;
  }

  /** Gives a chunk. */
  give(text: string): void {
    this.#taken = Promise.withResolvers();
    this.#output?.enqueue(encoder.encode(text) as Uint8Array<ArrayBuffer>);
  }

  /** Resolves when the last chunk has been read and the next is being read for. */
  taken(): Promise<void> {
    return this.#taken.promise;
  }

  /** Ends the oldest write that has not ended, begun or not. */
  endWrite(error?: Error): void {
    const end = this.#end(this.#ended++);
    if (error === undefined) end.resolve();
    else end.reject(error);
  }

  [Symbol.dispose](): void {
    globalThis.DecompressionStream = DecompressionStream;
  }

  #end(index: number): PromiseWithResolvers<void> {
    return this.#ends[index] ??= Promise.withResolvers();
  }
}
