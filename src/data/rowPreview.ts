import { toConversation, type RowFormat } from './formats.ts';
import { labelTokens } from './mask.ts';
import { previewRow, type PreviewPiece } from './preview.ts';
import type { Reading } from './reading.ts';
import type { Row } from './row.ts';
import type { Tokenizer } from './tokenizer.ts';
import { turnsApart } from './turnsApart.ts';

/** How a row becomes tokens. */
export interface RowPreviewOptions extends Reading {
  format: RowFormat;
  /** Rows are cut to this many tokens. */
  maxLength: number;
  now: Date;
}

/**
 * A row as the model sees it, with what of it is trained, thought, called and cut off: the rows that it becomes where
 * each turn is one. Throws as `toConversation` and `labelTokens` do.
 */
export function rowPreview(tokenizer: Tokenizer, row: Row, options: RowPreviewOptions): PreviewPiece[][] {
  const { format, mask, maxLength, preferenceData, splitTurns } = options;
  const conversation = toConversation(row, format, { chosenOnly: preferenceData === 'chosen' });
  return (splitTurns ? turnsApart(conversation, mask) : [conversation]).map((part) => {
    if ('inputIds' in part) throw new Error('internal: tokenized rows have no text of their own');
    const { ids, labels, parts } = labelTokens(tokenizer, part, { ...options, withParts: true });
    const tokens = { ids: Int32Array.from(ids), labels: Int32Array.from(labels) };
    const offsets = Uint32Array.of(0, ids.length);
    return previewRow({ ...tokens, offsets }, 0, tokenizer, { maxLength, ...(parts && { parts }) });
  });
}
