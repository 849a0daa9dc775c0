import { GraftError } from '../../../base/lib/errors.ts';
import type { Row } from '../files/row.ts';
import { isObject } from './conversation.ts';

/** A multiple-choice question as lm-evaluation-harness asks it: which continuation of the context is the likeliest. */
export interface ChoiceRow {
  line: number;
  /** What the model is given: intro, examples where there are any, and question. */
  context: string;
  /** What stands once, before examples; mostly empty. */
  intro: string;
  question: string;
  /** Whether choices are listed, and their letters are the continuations: MMLU's layout. */
  lettered: boolean;
  /** What follows the context for each choice, with the space before it. */
  continuations: string[];
  /** The choices without that space: `acc_norm` divides by their length in characters. */
  choices: string[];
  /** The right one. */
  gold: number;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Whether a row has the fields of a multiple-choice question. */
export function isChoiceRow({ value }: Row): boolean {
  const { question } = value;
  return (
    (typeof question === 'string' && value.choices !== undefined) ||
    (isObject(question) && question.stem !== undefined && question.choices !== undefined)
  );
}

/**
 * Reads a row in either layout, and asks it as the harness asks that task:
 *   ARC: {"question", "choices": {"text": […], "label": […]}, "answerKey"}, or AI2's own with `question.stem`. “Question:
 *   …\nAnswer:” is continued by the text of a choice.
 *   MMLU: {"question", "choices": […], "answer": index or letter, "subject"?}. Choices are listed as A to D, and the letter
 *   is the continuation.
 * Throws `data.choices_invalid`.
 */
export function choiceRow({ value, line }: Row, file: string): ChoiceRow {
  const bad = (detail: string) => new GraftError('data.choices_invalid', { file, line, detail });
  const stem = isObject(value.question) ? value.question.stem : value.question;
  if (typeof stem !== 'string') throw bad('“question” is no text');
  const listed = isObject(value.question) ? value.question.choices : value.choices;
  const labelled = labelledChoices(listed);
  if (labelled) {
    const { texts, labels } = labelled;
    if (!areTexts(texts) || !areTexts(labels) || texts.length !== labels.length)
      throw bad('“choices” has no texts, each with its label');
    const gold = labels.indexOf(String(value.answerKey));
    if (gold < 0) throw bad('“answerKey” is none of its labels');
    const question = `Question: ${stem}\nAnswer:`;
    return asked({ line, intro: '', question, lettered: false, choices: texts, gold });
  }
  if (!areTexts(listed) || listed.length > LETTERS.length) throw bad('“choices” is no list of texts');
  const gold = goldOf(value.answer ?? value.answerKey, listed.length);
  if (gold === null) throw bad('“answer” is none of its choices');
  const letters = listed.map((_, i) => LETTERS[i]!);
  const { subject } = value;
  const intro =
    typeof subject === 'string'
      ? `The following are multiple choice questions (with answers) about ${subject.replaceAll('_', ' ')}.\n\n`
      : '';
  const choices = listed.map((choice, i) => `${letters[i]}. ${choice}\n`).join('');
  const question = `${stem.trim()}\n${choices}Answer:`;
  return asked({ line, intro, question, lettered: true, choices: letters, gold });
}

/** A question without examples. */
function asked(row: Omit<ChoiceRow, 'context' | 'continuations'>): ChoiceRow {
  const continuations = row.choices.map((choice) => ` ${choice}`);
  return { ...row, context: row.intro + row.question, continuations };
}

/** The choices of ARC: two lists, or a list of pairs. */
function labelledChoices(listed: unknown): { texts: unknown; labels: unknown } | null {
  if (isObject(listed)) return { texts: listed.text, labels: listed.label };
  if (!Array.isArray(listed) || !listed.every(isObject)) return null;
  return { texts: listed.map(({ text }) => text), labels: listed.map(({ label }) => label) };
}

function areTexts(values: unknown): values is string[] {
  return Array.isArray(values) && values.length > 1 && values.every((value) => typeof value === 'string');
}

function goldOf(answer: unknown, count: number): number | null {
  const index =
    typeof answer === 'string' && !/^\d+$/.test(answer.trim())
      ? LETTERS.indexOf(answer.trim())
      : Number(answer);
  const known = typeof answer === 'number' || (typeof answer === 'string' && answer.trim().length > 0);
  return known && Number.isInteger(index) && index >= 0 && index < count ? index : null;
}
