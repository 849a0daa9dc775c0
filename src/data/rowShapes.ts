import type { TokenRows } from './tokenRows.ts';
import { IGNORED } from './tokenizedRow.ts';

/** Tokens and targets of each row: all that the memory of a run depends on. */
export interface RowShapes {
  /** [rows] */
  tokens: Uint32Array;
  /** [rows] tokens whose next one is trained. */
  targets: Uint32Array;
  /** Whether losses have weights, which lie beside the targets. */
  weighted: boolean;
}

/** The shapes of tokenized rows. */
export function rowShapes({ labels, weights, offsets }: TokenRows): RowShapes {
  const rows = offsets.length - 1;
  const shapes = {
    tokens: new Uint32Array(rows),
    targets: new Uint32Array(rows),
    weighted: weights !== null,
  };
  for (let row = 0; row < rows; row++) {
    const [start, end] = [offsets[row]!, offsets[row + 1]!];
    shapes.tokens[row] = end - start;
    // The first token has none before it to predict it.
    for (let i = start + 1; i < end; i++) if (labels[i] !== IGNORED) shapes.targets[row]!++;
  }
  return shapes;
}

/** The shapes of some of the rows, in the order given. */
export function selectShapes({ tokens, targets, weighted }: RowShapes, rows: readonly number[]): RowShapes {
  return {
    tokens: Uint32Array.from(rows, (row) => tokens[row]!),
    targets: Uint32Array.from(rows, (row) => targets[row]!),
    weighted,
  };
}

/** The shapes of the rows cut to `maxLength` tokens; where their targets lie is not known, so as many stay as can. */
export function cutShapes({ tokens, targets, weighted }: RowShapes, maxLength: number): RowShapes {
  const cut = tokens.map((length) => Math.min(length, maxLength));
  const left = targets.map((count, row) => Math.min(count, Math.max(0, cut[row]! - 1)));
  return { tokens: cut, targets: left, weighted };
}
