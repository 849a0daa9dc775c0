import { TemplateError } from './errors.ts';

/*
 * What one rendering may take. A template is a stranger's program: every step, every character and every item it makes
 * is counted, so that it ends in a refusal before it has run for seconds or filled the memory. Rendering is synchronous
 * and never nested, so the counters are the module's own.
 */

/** Expressions, statements and turns of loops; a real template takes some dozens a message. */
const MAX_STEPS = 3_000_000;
/** Besides, for each character of the conversation: some templates read contents character by character. */
const STEPS_A_CHARACTER = 40;
/** Besides, for each pair of messages: some templates look through all of them for each. */
const STEPS_A_PAIR = 4;
/** Characters of all texts made, besides those a conversation's length accounts for. */
const MAX_CHARACTERS = 50_000_000;
/** How often a template may copy the whole conversation. */
const COPIES = 200;
/** Items of all lists and dicts made. */
const MAX_ITEMS = 2_000_000;
/** Characters that can be looked through in the time of a step. */
const SCANNED_A_STEP = 16;
/** What the call of a macro takes, in steps. */
const CALL_STEPS = 20;
/** Longest single text. */
const MAX_LENGTH = 1 << 24;
/** Macros that call each other; Python's own stack ends at about 200. */
const MAX_DEPTH = 200;

/** What a rendering is of: the characters of all its variables, and the number of its messages. */
export interface Size {
  length: number;
  messages: number;
}

let most = 0;
let steps = 0;
let characters = 0;
let items = 0;
let depth = 0;
let longest = MAX_LENGTH;

/** Runs `work` with fresh counters. */
export function withBudget<T>({ length, messages }: Size, work: () => T): T {
  most = MAX_STEPS + STEPS_A_CHARACTER * length + STEPS_A_PAIR * messages ** 2;
  steps = most;
  characters = MAX_CHARACTERS + COPIES * length;
  items = MAX_ITEMS + 4 * length + messages ** 2;
  depth = 0;
  nesting = 0;
  longest = Math.max(MAX_LENGTH, 8 * length);
  return work();
}

export function spendStep(): void {
  if (--steps < 0) throw limit(`it takes more than ${most} steps`);
}

/** Counts steps that come many at once. */
export function spendSteps(count: number): void {
  if ((steps -= count) < 0) throw limit(`it takes more than ${most} steps`);
}

/** Counts a text that is looked through. */
export function spendScan(length: number): void {
  if (length > SCANNED_A_STEP) spendSteps(Math.trunc(length / SCANNED_A_STEP));
}

/** Counts a text that is about to be made. */
export function spendCharacters(count: number): void {
  if (count > longest) throw limit(`it makes a text of more than ${longest} characters`);
  if ((characters -= count) < 0) throw limit(`it makes more than ${MAX_CHARACTERS} characters of text`);
}

/** Counts items that are about to be put into lists or dicts. */
export function spendItems(count: number): void {
  if ((items -= count) < 0) throw limit(`it makes lists of more than ${MAX_ITEMS} items`);
}

/** Runs a macro's body one level deeper. */
export function nested<T>(work: () => T): T {
  spendSteps(CALL_STEPS);
  if (depth >= MAX_DEPTH)
    throw limit(`its macros call each other more than ${MAX_DEPTH} deep: no stack holds that`);
  depth++;
  try {
    return work();
  } finally {
    depth--;
  }
}

export const limit = (message: string) => new TemplateError('limit', message);

/** How deep lists may lie in lists where they are written or compared. */
const MAX_NESTING = 500;
let nesting = 0;

/** Goes one list or dict deeper into a value. */
export function nestedValue<T>(work: () => T): T {
  if (nesting >= MAX_NESTING) throw limit(`its lists lie more than ${MAX_NESTING} deep in each other`);
  nesting++;
  try {
    return work();
  } finally {
    nesting--;
  }
}
