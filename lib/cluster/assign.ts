/**
 * Decides which node is to own which lease. Every node computes it for itself, from the same facts, and comes to the
 * same result.
 *
 * @param leases How many leases there are.
 * @param owners Who owns a lease now. An owner that is not among the nodes counts as none.
 * @param nodes The nodes that can own leases.
 * @returns The node of each lease; empty where there is no node. No two nodes differ by more than one lease, and no
 * lease moves that could stay.
 */
export function assign(
  leases: number,
  owners: ReadonlyMap<number, string>,
  nodes: readonly string[],
): Map<number, string> {
  const desired = new Map<number, string>();
  if (nodes.length === 0) return desired;
  const owned = new Map<string, number[]>(nodes.toSorted().map((node) => [node, []]));
  const free: number[] = [];
  for (let lease = 0; lease < leases; lease++) {
    const list = owned.get(owners.get(lease) ?? "");
    if (list === undefined) free.push(lease);
    else list.push(lease);
  }
  const least = Math.floor(leases / nodes.length);
  let extras = leases % nodes.length;
  // Those who have more keep more: then fewer have to move.
  const byCount = [...owned].toSorted(([, one], [, other]) => other.length - one.length);
  const room: [node: string, count: number][] = [];
  for (const [node, list] of byCount) {
    const share = least + (extras-- > 0 ? 1 : 0);
    for (const lease of list.slice(0, share)) desired.set(lease, node);
    free.push(...list.slice(share));
    if (list.length < share) room.push([node, share - list.length]);
  }
  free.sort((a, b) => a - b);
  // In turn, so that neighbours, which identify at about the same time, come to different nodes.
  for (let index = 0; free.length > 0; index = (index + 1) % room.length) {
    const place = room[index] as [string, number];
    if (place[1] === 0) continue;
    place[1]--;
    desired.set(free.shift() as number, place[0]);
  }
  return desired;
}
