import { Template } from '@huggingface/jinja';

/*
 * @huggingface/jinja 0.5 ignores the argument of str.strip(chars), lstrip and rstrip: Qwen3's `content.lstrip('\n')`
 * then eats the spaces too. Such calls are turned into calls of functions of ours.
 */

const PREFIX = 'graft_';

/** The functions that {@link compileTemplate} calls: Python's str.strip(chars), lstrip(chars) and rstrip(chars). */
export const stripFunctions = {
  [`${PREFIX}strip`]: (text: string, chars: string) => stripEnd(stripStart(text, chars), chars),
  [`${PREFIX}lstrip`]: stripStart,
  [`${PREFIX}rstrip`]: stripEnd,
};

/** Parses a chat template; rendering it needs {@link stripFunctions} among the variables. Throws on bad syntax. */
export function compileTemplate(source: string): Template {
  const template = new Template(source);
  rewrite(template.parsed);
  return template;
}

interface Node {
  type: string;
  callee?: Node;
  args?: unknown[];
  object?: unknown;
  property?: Node;
  computed?: boolean;
  value?: unknown;
}

/** Walks the syntax tree (plain objects) without recursion and rewrites `x.strip(chars)` to `graft_strip(x, chars)`. */
function rewrite(root: object): void {
  const pending: object[] = [root];
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (isNode(node) && node.type === 'CallExpression' && node.callee && Array.isArray(node.args)) {
      const { callee } = node;
      const name =
        callee.type === 'MemberExpression' && !callee.computed ? callee.property?.value : undefined;
      const renamed = typeof name === 'string' ? PREFIX + name : '';
      if (node.args.length === 1 && Object.hasOwn(stripFunctions, renamed)) {
        node.args = [callee.object, ...node.args];
        node.callee = { type: 'Identifier', value: renamed };
      }
    }
    for (const child of node instanceof Map ? [...node].flat() : Object.values(node)) {
      if (typeof child === 'object' && child !== null) pending.push(child);
    }
  }
}

function isNode(value: object): value is Node {
  return 'type' in value && typeof value.type === 'string';
}

function stripStart(text: string, chars: string): string {
  let start = 0;
  while (start < text.length && chars.includes(text.charAt(start))) start++;
  return text.slice(start);
}

function stripEnd(text: string, chars: string): string {
  let end = text.length;
  while (end > 0 && chars.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}
