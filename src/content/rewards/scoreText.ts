import type { RewardDefinition } from '../../base/config/rewards.ts';
import { plainText, type RowReference } from '../data/rows/promptRows.ts';
import { ownField, tryJson } from '../data/rows/conversation.ts';
import { fitsSchema } from '../metrics/jsonSchema.ts';
import { lastNumber } from '../metrics/numbers.ts';

/** A definition that is computed here; functions of the user's run elsewhere. */
export type TextReward = Exclude<RewardDefinition, { kind: 'javascript' }>;

/** What it is compared with. */
export type KnownOfRow = Pick<RowReference, 'answer' | 'columns'>;

/** What is rewarded. */
export interface RewardedText {
  text: string;
  tokens: number;
}

/** The reward of a completion by one definition: mostly 0 or 1. Null where its row has nothing to compare with. */
export function scoreText(
  definition: TextReward,
  { text, tokens }: RewardedText,
  reference: KnownOfRow,
): number | null {
  switch (definition.kind) {
    case 'exact': {
      const wanted = referenceOf(definition.column, reference);
      return wanted === null ? null : Number(sameText(comparedOf(definition, text), wanted, definition));
    }
    case 'contains': {
      const wanted = definition.text ?? referenceOf(definition.column, reference);
      return wanted === null
        ? null
        : Number(cased(text, definition).includes(cased(wanted.trim(), definition)));
    }
    case 'number':
      return numberScore(definition, text, reference);
    case 'regex':
      return Number(expressionOf(definition.pattern, definition).test(text));
    case 'format':
      return Number(expressionOf(`^(?:${definition.pattern})$`, definition).test(text.trim()));
    case 'json': {
      const value = tryJson(text.trim());
      const { schema = true } = definition;
      return Number(value !== undefined && fitsSchema(value, schema));
    }
    case 'length':
      return lengthScore(definition, definition.unit === 'tokens' ? tokens : [...text].length);
  }
}

function numberScore(
  definition: Extract<TextReward, { kind: 'number' }>,
  text: string,
  reference: KnownOfRow,
): number | null {
  const given = referenceOf(definition.column, reference);
  const wanted = given === null ? null : lastNumber(given);
  if (wanted === null) return null;
  const compared = comparedOf(definition, text);
  const found = compared === null ? null : lastNumber(compared);
  const { tolerance = 0, relative = false } = definition;
  const allowed = relative ? tolerance * Math.abs(wanted) : tolerance;
  return Number(found !== null && Math.abs(found - wanted) <= allowed);
}

/** 1 within the bounds; beyond them less in proportion, down to 0 at none and at twice the most. */
function lengthScore({ min = 0, max = Infinity }: { min?: number; max?: number }, length: number): number {
  if (length < min) return length / min;
  return length <= max ? 1 : Math.max(0, 1 - (length - max) / Math.max(1, max));
}

interface Cased {
  ignore_case?: boolean | undefined;
}

/** What of a completion is compared: the first group of an expression, where there is one. Null without a match. */
function comparedOf({ extract }: { extract?: string | undefined }, text: string): string | null {
  if (extract === undefined) return text;
  const match = expressionOf(extract, {}).exec(text);
  return match && (match[1] ?? match[0]);
}

function referenceOf(column: string | undefined, { answer, columns }: KnownOfRow): string | null {
  if (column === undefined) return answer;
  const value = ownField(columns, column);
  return value === undefined || value === null ? null : plainText(value);
}

function sameText(found: string | null, wanted: string, how: Cased): boolean {
  return found !== null && cased(found.trim(), how) === cased(wanted.trim(), how);
}

function cased(text: string, { ignore_case = false }: Cased): string {
  return ignore_case ? text.toLowerCase() : text;
}

/** With a dot that matches line breaks, too. */
function expressionOf(pattern: string, { ignore_case = false }: Cased): RegExp {
  return new RegExp(pattern, ignore_case ? 'isu' : 'su');
}
