import { PROBE } from './probe.ts';
import { GraftError } from '../lib/errors.ts';
import { encodeWithLabels, type LabeledSpan } from './labelSpans.ts';
import type { LabeledTokens, LabelOptions } from './labels.ts';
import { startIds } from './plainTemplate.ts';
import { renderChat } from './template.ts';
import { IGNORED } from './tokenizedRow.ts';
import type { Tokenizer } from './tokenizer.ts';

/** A text that is trained whole, between BOS and EOS; those that it begins and ends with itself are not doubled. */
export function labelText(
  tokenizer: Tokenizer,
  { text, weight = 1 }: { text: string; weight?: number },
): LabeledTokens {
  if (text === '') return { ids: startIds(tokenizer), labels: startIds(tokenizer), skippedTurns: 0 };
  const whole: LabeledSpan = { start: 0, end: text.length, weight, ends: 'text' };
  return { ...withStart(tokenizer, encodeWithLabels(tokenizer, text, [whole]), weight > 0), skippedTurns: 0 };
}

/**
 * A prompt that is a rendered conversation already, up to where the model is to answer: it goes to the model as it is,
 * and not through the template once more. Null for other prompts.
 */
export function labelPrompt(
  tokenizer: Tokenizer,
  { prompt, completion, weight = 1 }: { prompt: string; completion: string; weight?: number },
  { mask }: LabelOptions,
): LabeledTokens | null {
  if (!isRendered(tokenizer, prompt)) return null;
  const text = prompt + completion;
  const isAll = mask === 'all';
  const span: LabeledSpan = {
    ...{ start: isAll ? 0 : prompt.length, end: text.length, weight },
    ends: isAll ? 'text' : 'turn',
  };
  return {
    ...withStart(tokenizer, encodeWithLabels(tokenizer, text, [span]), isAll && weight > 0),
    skippedTurns: 0,
    notes: { codes: ['alreadyRendered'], droppedThoughtTokens: 0 },
  };
}

function withStart(
  tokenizer: Tokenizer,
  { ids, labels, weights }: Pick<LabeledTokens, 'ids' | 'labels' | 'weights'>,
  isTrained: boolean,
): Pick<LabeledTokens, 'ids' | 'labels' | 'weights'> {
  const start = startIds(tokenizer);
  if (start.length === 0 || ids[0] === start[0]) return { ids, labels, ...(weights && { weights }) };
  return {
    ids: [...start, ...ids],
    labels: [...start.map((id) => (isTrained ? id : IGNORED)), ...labels],
    ...(weights && { weights: [...start.map(() => weights[0] ?? 1), ...weights] }),
  };
}

const generationPrompts = new WeakMap<Tokenizer, string>();

/** Whether a prompt ends as the template ends one, where it marks that with something no question ends with. */
function isRendered(tokenizer: Tokenizer, prompt: string): boolean {
  if (tokenizer.chatTemplate === null) return false;
  let ending = generationPrompts.get(tokenizer);
  if (ending === undefined) generationPrompts.set(tokenizer, (ending = endingOf(tokenizer)));
  return /[<[|]/.test(ending) && prompt.trimEnd().endsWith(ending);
}

/** What the template writes behind a question, up to where the model is to answer. */
function endingOf(tokenizer: Tokenizer): string {
  try {
    const text = renderChat(tokenizer, [{ role: 'user', content: PROBE }], { addGenerationPrompt: true });
    return text.slice(text.lastIndexOf(PROBE) + PROBE.length).trim();
  } catch (error) {
    if (error instanceof GraftError) return '';
    throw error;
  }
}
