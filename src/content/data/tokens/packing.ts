/**
 * Packs rows into bins of at most `maxLength` tokens by first-fit-decreasing: `order` lists row indices, longest first;
 * each goes into the first bin with enough room, found in O(log n). Uses at most 11/9 of the optimal number of bins,
 * plus one. A row longer than `maxLength` gets its own bin.
 */
export function packRows(
  lengths: ArrayLike<number>,
  order: ArrayLike<number> & Iterable<number>,
  maxLength: number,
): number[][] {
  let leaves = 1;
  while (leaves < order.length) leaves *= 2;
  // A tournament tree over the bins: each node holds the largest free room below it.
  const room = new Float64Array(2 * leaves).fill(maxLength);
  const bins: number[][] = [];
  for (const row of order) {
    const length = lengths[row] as number;
    if (length > maxLength) {
      bins.push([row]);
      setRoom(room, leaves, bins.length - 1, 0);
      continue;
    }
    let node = 1;
    while (node < leaves) node = (room[2 * node] as number) >= length ? 2 * node : 2 * node + 1;
    const bin = node - leaves;
    // Unopened bins are empty, so the first fit is at most one past the last.
    if (bin === bins.length) bins.push([]);
    (bins[bin] as number[]).push(row);
    setRoom(room, leaves, bin, (room[node] as number) - length);
  }
  return bins;
}

function setRoom(room: Float64Array, leaves: number, bin: number, value: number): void {
  let node = leaves + bin;
  room[node] = value;
  for (node >>= 1; node >= 1; node >>= 1) {
    room[node] = Math.max(room[2 * node] as number, room[2 * node + 1] as number);
  }
}
