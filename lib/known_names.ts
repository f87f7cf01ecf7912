/** How a dispatch begins, as Discord writes it. */
const START = '{"t":"';

/** More and longer ones than there are kinds of dispatches; what a gateway makes up beyond them is not remembered. */
const MAX_NAMES = 256;
const MAX_LENGTH = 64;

/**
 * The names that have come, each as one string that belongs to no message. A name that is cut out of a message has to be
 * hashed anew wherever it is looked up, and the engine looks up the listeners of every event by its name.
 */
const names = new Map<string, string>();

/** The name of a dispatch that begins with it, where it is known; what follows is not looked at. */
export function knownName(message: string): string | undefined {
  if (!message.startsWith(START)) return undefined;
  return names.get(message.slice(START.length, message.indexOf('"', START.length)));
}

/** Where a message goes on after the quote that closes its known name. */
export function endOfKnown(name: string): number {
  return START.length + name.length + 1;
}

/** Makes a name known, and gives the one string for it; it is one that JSON writes as it is. */
export function remember(name: string): string {
  const known = names.get(name);
  if (known !== undefined || names.size >= MAX_NAMES || name.length > MAX_LENGTH) return known ?? name;
  // As a key that was parsed: what was cut out of a message keeps the whole of it in memory, on Bun also as a key.
  const [own = name] = Object.keys(JSON.parse(`{"${name}":0}`));
  names.set(own, own);
  return own;
}
