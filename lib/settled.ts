/** How long what should come at once is waited for, in milliseconds. */
const GRACE_MS = 1_000;

/** Resolves when a promise has settled, or after a short while without: for what may never come. */
export function settled(promise: PromiseLike<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, GRACE_MS);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    Promise.resolve(promise).then(end, end);
  });
}

/** Resolves when a socket has closed, or after a short while: towards a peer that does not answer it never does. */
export function socketEnd(socket: WebSocket): Promise<void> {
  if (socket.readyState === WebSocket.CLOSED) return Promise.resolve();
  return settled(new Promise((resolve) => socket.addEventListener("close", resolve, { once: true })));
}
