import { parseJson } from './exactJson.ts';
import { isTurn, TURN_FIELDS } from './fieldNames.ts';
import { MAX_DEPTH } from './jsonRow.ts';
import { looksLikePython } from './jsonProblem.ts';

/** Columns that hold lists or objects, never text to train on directly. */
const STRUCTURED = new Set([
  'messages',
  'conversations',
  'conversation',
  'dialog',
  'dialogue',
  'turns',
  'history',
  'chosen_messages',
  'rejected_messages',
  'tools',
  'tool_calls',
  'functions',
  'function_call',
  'documents',
  'input_ids',
  'labels',
  'attention_mask',
  'completion_mask',
  'assistant_masks',
]);

/** The parsed form of a cell written as text. */
export type CellValue = { value: unknown } | { problem: 'python' | 'json' };

/**
 * The value of a cell. JSON lists and objects are parsed in columns that hold nothing else; in columns that hold text
 * or turns (prompt, completion, chosen, rejected) only if they are turns: an answer that is JSON stays text.
 */
export function cellValue(column: string, cell: string): CellValue {
  const structured = STRUCTURED.has(column);
  if ((!structured && !TURN_FIELDS.has(column)) || !/^\s*[[{]/.test(cell)) return { value: cell };
  const value = read(cell);
  if (structured && value !== undefined) return { value };
  if (!structured && isTurns(value)) return { value };
  if (value === undefined && isPythonTurns(cell)) return { problem: 'python' };
  if (value === undefined && (column === 'messages' || column === 'conversations'))
    return { problem: 'json' };
  return { value: cell };
}

function read(cell: string): unknown {
  try {
    const value = parseJson(cell);
    return nestsDeeper(value, MAX_DEPTH) ? undefined : value;
  } catch {
    return undefined;
  }
}

function nestsDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => nestsDeeper(item, levels - 1));
}

function isTurns(value: unknown): boolean {
  const turns: unknown[] = Array.isArray(value) ? value : [value];
  return (
    turns.length > 0 &&
    turns.every((turn) => {
      if (typeof turn !== 'object' || turn === null) return false;
      const names = Object.keys(turn);
      return isTurn(names) && (names.includes('content') || names.includes('value') || names.length > 1);
    })
  );
}

/** Turns as Python prints them: `[{'role': …`, or as numpy does: `[{…}\n {…}]`. */
function isPythonTurns(cell: string): boolean {
  return looksLikePython(cell) && /['"](?:role|from|content|value)['"]\s*:/.test(cell);
}
