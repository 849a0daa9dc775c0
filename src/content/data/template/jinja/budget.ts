import { templateLimits } from '../../programLimits.ts';
import { TemplateError } from './errors.ts';

/*
 * Limits of one rendering. A template is untrusted code: every step, character and item it makes is counted, so that it
 * fails before it has run for seconds or filled the memory (../../programLimits.ts). Rendering is synchronous and never nested, so the counters
 * are module state.
 */

/** Characters scanned per step. */
const SCANNED_A_STEP = 16;
/** Steps per macro call. */
const CALL_STEPS = 20;

/** The size of a rendering's input: the characters of all its variables, and the number of its messages. */
export interface Size {
  length: number;
  messages: number;
}

let most = 0;
let steps = 0;
let characters = 0;
let items = 0;
let depth = 0;
let longest: number = templateLimits.length;

/** Runs `work` with fresh counters. */
export function withBudget<T>({ length, messages }: Size, work: () => T): T {
  most =
    templateLimits.steps +
    templateLimits.stepsPerCharacter * length +
    templateLimits.stepsPerPair * messages ** 2;
  steps = most;
  characters = templateLimits.characters + templateLimits.copies * length;
  items = templateLimits.items + 4 * length + messages ** 2;
  depth = 0;
  nesting = 0;
  longest = Math.max(templateLimits.length, 8 * length);
  return work();
}

export function spendStep(): void {
  if (--steps < 0) throw limit(`it takes more than ${most} steps`);
}

/** Counts several steps at once. */
export function spendSteps(count: number): void {
  if ((steps -= count) < 0) throw limit(`it takes more than ${most} steps`);
}

/** Counts a scan over text. */
export function spendScan(length: number): void {
  if (length > SCANNED_A_STEP) spendSteps(Math.trunc(length / SCANNED_A_STEP));
}

/** Counts a text before it is made. */
export function spendCharacters(count: number): void {
  if (count > longest) throw limit(`it produces a text of more than ${longest} characters`);
  if ((characters -= count) < 0)
    throw limit(`it produces more than ${templateLimits.characters} characters of text`);
}

/** Counts items before they are added to lists or dicts. */
export function spendItems(count: number): void {
  if ((items -= count) < 0) throw limit(`it produces lists of more than ${templateLimits.items} items`);
}

/** Runs a macro's body one level deeper. */
export function nested<T>(work: () => T): T {
  spendSteps(CALL_STEPS);
  if (depth >= templateLimits.depth)
    throw limit(`its macros call each other more than ${templateLimits.depth} levels deep`);
  depth++;
  try {
    return work();
  } finally {
    depth--;
  }
}

export const limit = (message: string) => new TemplateError('limit', message);

let nesting = 0;

/** Enters one more level of a nested value. */
export function nestedValue<T>(work: () => T): T {
  if (nesting >= templateLimits.nesting)
    throw limit(`its lists are nested more than ${templateLimits.nesting} levels deep`);
  nesting++;
  try {
    return work();
  } finally {
    nesting--;
  }
}
