import type { PartKind } from '../labels/answerParts.ts';
import { StreamDecoder } from '../tokenizer/streamDecoder.ts';
import type { TokenizedDataset } from '../tokens/tokenizedDataset.ts';
import { IGNORED } from '../labels/tokenizedRow.ts';
import type { Vocabulary } from '../tokenizer/vocabulary.ts';

/** A run of tokens of a row that are all trained or all untrained; each special token is a separate run. */
export interface PreviewPiece {
  /** Text with special tokens shown; ids joined by spaces if there is no tokenizer. */
  text: string;
  trained: boolean;
  special: boolean;
  tokens: number;
  /** The kind of part it belongs to, unless it is plain content. */
  kind?: PartKind;
  /** Beyond the maximum length: the model does not see it. */
  cut?: boolean;
  /** The number of the turn whose row begins here, where each turn is a row. */
  turn?: number;
  /** Which answer of preference data begins here, with its prompt. */
  answer?: 'better' | 'worse' | 'good' | 'bad';
}

/**
 * Row `row` of the dataset as the model sees it, in runs of trained and untrained tokens. Runs are further split by
 * part kind (`parts`, one per token of the row) and at `maxLength` tokens, if given.
 */
export function previewRow(
  dataset: Pick<TokenizedDataset, 'ids' | 'labels' | 'offsets'>,
  row: number,
  tokenizer: Vocabulary | null,
  { parts, maxLength = Infinity }: { parts?: readonly (PartKind | null)[]; maxLength?: number } = {},
): PreviewPiece[] {
  const decoder =
    tokenizer && new StreamDecoder(tokenizer, { skipSpecialTokens: false, keepLeadingSpace: true });
  const pieces: PreviewPiece[] = [];
  const start = dataset.offsets[row] as number;
  const end = dataset.offsets[row + 1] as number;
  for (let i = start; i < end; i++) {
    const id = dataset.ids[i] as number;
    // The first token is never predicted, whatever its label.
    const trained = i > start && dataset.labels[i] !== IGNORED;
    const special = tokenizer?.specialIds.has(id) ?? false;
    const kind = parts?.[i - start] ?? undefined;
    const cut = i - start >= maxLength;
    let piece = pieces.at(-1);
    const continues = piece?.trained === trained && piece.kind === kind && (piece.cut ?? false) === cut;
    if (!piece || !continues || special || piece.special) {
      // The bytes of an incomplete character end with their run.
      if (piece && decoder && special) piece.text += decoder.flush();
      pieces.push(
        (piece = { text: '', trained, special, tokens: 0, ...(kind && { kind }), ...(cut && { cut }) }),
      );
    }
    piece.text += decoder ? decoder.push(id) : `${id} `;
    piece.tokens++;
  }
  const last = pieces.at(-1);
  if (last && decoder) last.text += decoder.flush();
  return pieces;
}

/** Histogram of row lengths in tokens. */
export interface LengthHistogram {
  /** Bin `i` counts lengths in [edges[i], edges[i+1]); the last bin includes its upper edge. */
  edges: number[];
  counts: number[];
  shortest: number;
  longest: number;
  mean: number;
  total: number;
}

/** Histogram of the rows' lengths in tokens, over `bins` equal bins from 0 to the longest. */
export function lengthHistogram(dataset: Pick<TokenizedDataset, 'offsets'>, bins = 20): LengthHistogram {
  const { offsets } = dataset;
  const rows = offsets.length - 1;
  const lengths = Array.from({ length: rows }, (_, i) => (offsets[i + 1] as number) - (offsets[i] as number));
  const longest = lengths.reduce((max, length) => Math.max(max, length), 0);
  const shortest = lengths.reduce((min, length) => Math.min(min, length), longest);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  // Whole tokens per bin, so that edges are lengths.
  const width = Math.max(1, Math.ceil(longest / bins));
  const counts = new Array<number>(bins).fill(0);
  for (const length of lengths) counts[Math.min(bins - 1, Math.floor(length / width))]!++;
  return {
    edges: Array.from({ length: bins + 1 }, (_, i) => i * width),
    counts,
    shortest,
    longest,
    mean: rows > 0 ? total / rows : 0,
    total,
  };
}
