import { toConversation, type RowFormat } from '../rows/formats.ts';
import { labelTokens } from '../labels/mask.ts';
import { previewRow, type PreviewPiece } from './preview.ts';
import type { Reading } from '../../../base/config/reading.ts';
import type { Row } from '../files/row.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { turnRows } from '../labels/splitTurns.ts';
import type { PreferenceObjectiveName } from '../../../base/config/recipe.ts';
import { IGNORED } from '../labels/tokenizedRow.ts';
import { preferenceRows } from '../rows/answers.ts';
import { promptRow } from '../rows/promptRows.ts';
import { chatPrompt } from '../template/prompt.ts';
import { preferenceTokens } from '../tokens/preferenceTokens.ts';

/** Options that determine how a row becomes tokens. */
export interface RowPreviewOptions extends Reading {
  format: RowFormat;
  /** Maximum length in tokens; longer rows are truncated. */
  maxLength: number;
  now: Date;
}

/**
 * A row as the model sees it, with its trained, thought, tool and truncated parts marked. Returns several rows if turns
 * are split, and for each answer of preference data. Throws like `toConversation` and `labelTokens`.
 */
export function rowPreview(tokenizer: Tokenizer, row: Row, options: RowPreviewOptions): PreviewPiece[][] {
  const { format, mask, maxLength, preferenceData, splitTurns, objective } = options;
  if (objective === 'grpo') return [promptPreview(tokenizer, row, options)];
  if (objective !== 'sft') return answersPreview(tokenizer, row, { ...options, objective });
  const conversation = toConversation(row, format, { chosenOnly: preferenceData === 'chosen' });
  return (splitTurns ? turnRows(conversation, mask) : [conversation]).map((part) => {
    if ('inputIds' in part) throw new Error('internal: tokenized rows have no text of their own');
    const { ids, labels, parts } = labelTokens(tokenizer, part, { ...options, withParts: true });
    const tokens = { ids: Int32Array.from(ids), labels: Int32Array.from(labels) };
    const offsets = Uint32Array.of(0, ids.length);
    return previewRow({ ...tokens, offsets }, 0, tokenizer, { maxLength, ...(parts && { parts }) });
  });
}

/** A row's prompt, after which the model answers by itself. */
function promptPreview(tokenizer: Tokenizer, row: Row, options: RowPreviewOptions): PreviewPiece[] {
  const { format, maxLength, templateArgs } = options;
  const { messages, templateArgs: own } = promptRow(row, format).prompt;
  const ids = Int32Array.from(chatPrompt(tokenizer, messages, { ...templateArgs, ...own }));
  const labels = ids.map(() => IGNORED);
  return previewRow({ ids, labels, offsets: Uint32Array.of(0, ids.length) }, 0, tokenizer, { maxLength });
}

/** Every answer of a row after its prompt, the better one of a pair first. */
function answersPreview(
  tokenizer: Tokenizer,
  row: Row,
  options: RowPreviewOptions & { objective: PreferenceObjectiveName },
): PreviewPiece[][] {
  const { format, maxLength, objective } = options;
  const whole = { tokenizer, maxLength: Infinity, labeling: options };
  return preferenceRows(row, format, objective).flatMap((one) => {
    const names =
      one.kind === 'pairs' ? (['better', 'worse'] as const) : ([one.good ? 'good' : 'bad'] as const);
    return preferenceTokens(one, objective, whole).sequences.map(({ ids, labels }, i) => {
      const tokens = { ids: Int32Array.from(ids), labels: Int32Array.from(labels) };
      const offsets = Uint32Array.of(0, ids.length);
      const [first, ...rest] = previewRow({ ...tokens, offsets }, 0, tokenizer, { maxLength });
      return [{ ...first!, answer: names[i]! }, ...rest];
    });
  });
}
