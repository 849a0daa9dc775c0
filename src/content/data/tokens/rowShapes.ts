import type { TokenRows } from './tokenRows.ts';
import { IGNORED } from '../labels/tokenizedRow.ts';

/** Tokens and targets of each row: all that a run's memory depends on. */
export interface RowShapes {
  /** [rows] length in tokens. */
  tokens: Uint32Array;
  /** [rows] number of tokens whose next token is trained. */
  targets: Uint32Array;
  /** Whether losses have weights, which are stored with the targets. */
  weighted: boolean;
  /** [rows] tokens of the first of a pair's two sequences; absent where rows are one. */
  first?: Uint32Array;
}

/** The shapes of tokenized rows. */
export function rowShapes({ labels, weights, offsets, preference }: TokenRows): RowShapes {
  const rows = offsets.length - 1;
  const shapes: RowShapes = {
    tokens: new Uint32Array(rows),
    targets: new Uint32Array(rows),
    weighted: weights !== null,
    ...(preference?.kind === 'pairs' && { first: preference.values.slice() }),
  };
  for (let row = 0; row < rows; row++) {
    const [start, end] = [offsets[row]!, offsets[row + 1]!];
    shapes.tokens[row] = end - start;
    // The first token has no predecessor to predict it.
    for (let i = start + 1; i < end; i++) if (labels[i] !== IGNORED) shapes.targets[row]!++;
  }
  return shapes;
}

/** The shapes of some of the rows, in the order given. */
export function selectShapes(shapes: RowShapes, rows: readonly number[]): RowShapes {
  const { tokens, targets, weighted, first } = shapes;
  return {
    tokens: Uint32Array.from(rows, (row) => tokens[row]!),
    targets: Uint32Array.from(rows, (row) => targets[row]!),
    weighted,
    ...(first && { first: Uint32Array.from(rows, (row) => first[row]!) }),
  };
}

/**
 * The shapes of the rows with sequences truncated to `maxLength` tokens; the positions of targets are unknown, so this
 * keeps as many as possible.
 */
export function cutShapes({ tokens, targets, weighted, first }: RowShapes, maxLength: number): RowShapes {
  const sequences = first ? 2 : 1;
  const cutFirst = first?.map((length) => Math.min(length, maxLength));
  const cut = tokens.map((length, row) =>
    first ? cutFirst![row]! + Math.min(length - first[row]!, maxLength) : Math.min(length, maxLength),
  );
  const left = targets.map((count, row) => Math.min(count, Math.max(0, cut[row]! - sequences)));
  return { tokens: cut, targets: left, weighted, ...(cutFirst && { first: cutFirst }) };
}
