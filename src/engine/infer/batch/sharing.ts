/** A beginning shorter than this is computed anew: sharing it would save less than it costs to arrange. */
const MIN_SHARED = 16;

/** Requests whose prompts begin alike: the beginning is computed once. */
export interface SharedGroup {
  /** Numbers of the requests. */
  members: number[];
  /** Tokens that all of them begin with, each with at least one more; 0 where nothing is shared. */
  shared: number;
}

/**
 * Which requests share what: those with the same prompt all of it but its last token, whose logits each needs; the others
 * what all of them begin with. Groups come in the order of their first members.
 */
export function sharedGroups(prompts: readonly (readonly number[])[]): SharedGroup[] {
  const same = new Map<string, number[]>();
  prompts.forEach((prompt, i) => {
    const key = prompt.join();
    const members = same.get(key);
    if (members) members.push(i);
    else same.set(key, [i]);
  });
  const groups: SharedGroup[] = [];
  const others: number[] = [];
  for (const members of same.values()) {
    const shared = prompts[members[0]!]!.length - 1;
    if (members.length > 1 && shared > 0) groups.push({ members, shared });
    else others.push(...members);
  }
  const common = commonLength(others.map((i) => prompts[i]!));
  if (others.length > 1 && common >= MIN_SHARED)
    groups.push({ members: others.sort((a, b) => a - b), shared: common });
  else groups.push(...others.map((i) => ({ members: [i], shared: 0 })));
  return groups.sort((a, b) => a.members[0]! - b.members[0]!);
}

/** Tokens that all texts begin with, less than any of them has. */
function commonLength(texts: readonly (readonly number[])[]): number {
  const [first = [], ...rest] = texts;
  let length = first.length - 1;
  for (const text of rest) {
    length = Math.min(length, text.length - 1);
    for (let i = 0; i < length; i++) if (text[i] !== first[i]) length = i;
  }
  return Math.max(0, length);
}
