/**
 * The platform's own timers, also where a test has put a clock of its own in their place since. They are looked up when they
 * are needed: Deno loads its timers when they are first mentioned, which takes a third as long as all of this library.
 */
const PLATFORM = {
  setTimeout: Object.getOwnPropertyDescriptor(globalThis, "setTimeout"),
  clearTimeout: Object.getOwnPropertyDescriptor(globalThis, "clearTimeout"),
};

function platform<Name extends keyof typeof PLATFORM>(name: Name): typeof globalThis[Name] {
  const { [name]: property } = PLATFORM;
  return property?.get?.call(globalThis) ?? property?.value ?? globalThis[name];
}

/** Calls back in another turn of the event loop, which passes also where the clock stands; what is returned calls it off. */
export function nextTurn(callback: () => void): () => void {
  const timer = platform("setTimeout")(callback, 0);
  return () => platform("clearTimeout")(timer);
}
