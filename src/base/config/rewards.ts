import * as v from 'valibot';

/*
 * What a completion is rewarded for, as a recipe says it. Each definition gives a number; the reward of a completion is
 * their weighted sum.
 */

interface Common {
  /** What it is called in metrics; by default its kind. */
  name?: string | undefined;
  /** Its weight in the sum; 1 by default. */
  weight?: number | undefined;
}

/** A definition that compares the completion with something of its row. */
interface Compared extends Common {
  /** The column compared with; by default the row's reference answer. */
  column?: string | undefined;
  /** A regular expression whose first group in the completion is compared, in place of all of it. */
  extract?: string | undefined;
}

export type RewardDefinition =
  /** 1 where the completion is the reference, spaces at either end aside. */
  | ({ kind: 'exact'; ignore_case?: boolean | undefined } & Compared)
  /** 1 where the completion contains the reference, or a text of the recipe's. */
  | ({
      kind: 'contains';
      column?: string | undefined;
      text?: string | undefined;
      ignore_case?: boolean | undefined;
    } & Common)
  /** 1 where the expression matches anywhere; `format`: where it matches the whole completion. */
  | ({ kind: 'regex' | 'format'; pattern: string; ignore_case?: boolean | undefined } & Common)
  /** 1 where the last number of the completion is the reference, within a tolerance. */
  | ({ kind: 'number'; tolerance?: number | undefined; relative?: boolean | undefined } & Compared)
  /** 1 where the completion is JSON, and fits the schema where there is one. */
  | ({ kind: 'json'; schema?: Record<string, unknown> | undefined } & Common)
  /** 1 where the completion is from `min` to `max` characters or tokens long; less the further it is from that. */
  | ({
      kind: 'length';
      unit?: 'tokens' | 'characters' | undefined;
      min?: number | undefined;
      max?: number | undefined;
    } & Common)
  /** What a function of the user's returns: a number, or nothing for no opinion. */
  | ({ kind: 'javascript'; source: string; seconds?: number | undefined } & Common);

export type RewardKind = RewardDefinition['kind'];

const words = (expected: string) => v.pipe(v.string(expected), v.minLength(1, expected));
const common = {
  name: v.optional(words('a name')),
  weight: v.optional(v.pipe(v.number('a number'), v.finite('a number'))),
};
const expression = v.pipe(
  v.string('a regular expression'),
  v.check((source) => isExpression(source), 'a regular expression'),
);
const compared = {
  ...common,
  column: v.optional(words('the name of a column')),
  extract: v.optional(expression),
};
const ignoreCase = { ignore_case: v.optional(v.boolean('true or false')) };
const length = v.optional(v.pipe(v.number('a number from 0'), v.minValue(0, 'a number from 0')));

const kinds = {
  exact: v.strictObject({ kind: v.literal('exact'), ...compared, ...ignoreCase }),
  contains: v.strictObject({
    kind: v.literal('contains'),
    ...common,
    ...ignoreCase,
    column: compared.column,
    text: v.optional(words('a text')),
  }),
  regex: v.strictObject({ kind: v.literal('regex'), ...common, ...ignoreCase, pattern: expression }),
  format: v.strictObject({ kind: v.literal('format'), ...common, ...ignoreCase, pattern: expression }),
  number: v.strictObject({
    kind: v.literal('number'),
    ...compared,
    tolerance: length,
    relative: v.optional(v.boolean('true or false')),
  }),
  json: v.strictObject({
    kind: v.literal('json'),
    ...common,
    schema: v.optional(v.record(v.string(), v.unknown(), 'a JSON schema')),
  }),
  length: v.strictObject({
    kind: v.literal('length'),
    ...common,
    unit: v.optional(v.picklist(['tokens', 'characters'], 'one of "tokens", "characters"')),
    min: length,
    max: length,
  }),
  javascript: v.strictObject({
    kind: v.literal('javascript'),
    ...common,
    source: words('the source of a function'),
    seconds: v.optional(
      v.pipe(v.number('a number from 0.1 to 60'), v.minValue(0.1), v.maxValue(60, 'a number from 0.1 to 60')),
    ),
  }),
} as const satisfies Record<RewardKind, v.GenericSchema>;

/** The kinds of rewards, in the order they are listed. */
export const rewardKinds = Object.keys(kinds) as RewardKind[];

const listText = 'a list of rewards such as [{"kind": "exact"}]';

/** Reads a list of rewards; the message names the entry and the key that are wrong. */
export const rewardList = v.pipe(
  v.custom<RewardDefinition[]>(Array.isArray, listText),
  v.rawCheck(({ dataset, addIssue }) => {
    const problem = dataset.typed ? rewardsProblem(dataset.value) : null;
    if (problem !== null) addIssue({ message: problem });
  }),
);

function rewardsProblem(list: readonly unknown[]): string | null {
  for (const [i, reward] of list.entries()) {
    const problem = rewardProblem(reward);
    if (problem !== null) return `a list whose entry ${i + 1} has ${problem}`;
  }
  const names = rewardNames(list as RewardDefinition[]);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  return twice === undefined ? null : `a list in which no two are named "${twice}"`;
}

function rewardProblem(reward: unknown): string | null {
  const kind = typeof reward === 'object' && reward !== null ? (reward as { kind?: unknown }).kind : null;
  if (typeof kind !== 'string' || !Object.hasOwn(kinds, kind))
    return `as "kind" one of ${rewardKinds.map((name) => `"${name}"`).join(', ')}`;
  const result = v.safeParse(kinds[kind as RewardKind] as v.GenericSchema, reward);
  if (result.success) {
    const { min, max } = reward as { min?: number; max?: number };
    return kind === 'length' && min === undefined && max === undefined ? 'a "min" or a "max"' : null;
  }
  const [issue] = result.issues;
  const path = v.getDotPath(issue) ?? '';
  if (issue.type === 'strict_object') return issue.expected === 'never' ? `no "${path}"` : `a "${path}"`;
  return `as "${path}" ${issue.message}`;
}

function isExpression(source: string): boolean {
  try {
    new RegExp(source, 'u');
    return true;
  } catch {
    return false;
  }
}

/** What rewards are called in metrics: by their names, else by their kinds, numbered where a kind comes twice. */
export function rewardNames(rewards: readonly RewardDefinition[]): string[] {
  const seen = new Map<string, number>();
  return rewards.map(({ name, kind }) => {
    if (name !== undefined) return name;
    const count = (seen.get(kind) ?? 0) + 1;
    seen.set(kind, count);
    return count === 1 ? kind : `${kind}_${count}`;
  });
}
