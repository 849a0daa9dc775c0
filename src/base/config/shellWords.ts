import { shellArithmetic } from './shellArithmetic.ts';

/** A simple command of a script, with known variables expanded. */
export interface ShellCommand {
  words: string[];
  /** Whether only a line break separates it from the previous command. */
  afterLine: boolean;
}

/**
 * The commands of a shell script by POSIX rules: quotes, backslashes, comments, `;`, pipes and redirections (omitted).
 * Variables are expanded as the script sets them in order, and so are `$((…))` and `${NAME:-value}`; values that only a
 * running shell knows stay as written, with their `$`.
 */
export function shellCommands(script: string): ShellCommand[] {
  const commands: ShellCommand[] = [];
  const variables = new Map<string, string>();
  let words: string[] = [];
  let word: string | null = null;
  let [afterLine, dropNext, depth] = [false, false, 0];

  const endWord = () => {
    if (word !== null && !dropNext) words.push(word);
    if (word !== null) dropNext = false;
    word = null;
  };
  const endCommand = (isLine: boolean) => {
    endWord();
    dropNext = false;
    if (words.length > 0) {
      depth += nesting(words);
      assign(words, variables, depth > 0);
      commands.push({ words, afterLine });
      afterLine = isLine;
    } else afterLine &&= isLine;
    words = [];
  };

  for (let at = 0; at < script.length;) {
    const char = script[at]!;
    const rest = script.slice(at, at + 3);
    if (char === "'") {
      const end = script.indexOf("'", at + 1);
      word = (word ?? '') + script.slice(at + 1, end < 0 ? undefined : end);
      at = end < 0 ? script.length : end + 1;
    } else if (char === '"') {
      word ??= '';
      for (at++; at < script.length && script[at] !== '"';) {
        if (script[at] === '\\' && /["\\$`\n]/.test(script[at + 1] ?? '')) {
          word += script[at + 1] === '\n' ? '' : script[at + 1];
          at += 2;
        } else if (script[at] === '$' || script[at] === '`') {
          const { text, end } = expand(script, at, variables);
          word += text;
          at = end;
        } else word += script[at++];
      }
      at++;
    } else if (char === '\\') {
      // A backslash at the end of a line continues it on the next one.
      const next = /^\\\r?\n/.exec(rest);
      if (!next) word = (word ?? '') + (script[at + 1] ?? '');
      else endWord();
      at += next ? next[0].length : 2;
    } else if (char === '$' || char === '`') {
      const { text, end } = expand(script, at, variables);
      // Without quotes, an empty word is none.
      if (text !== '' || word !== null) word = (word ?? '') + text;
      at = end;
    } else if (char === '#' && word === null) {
      const end = script.indexOf('\n', at);
      at = end < 0 ? script.length : end;
    } else if (char === '>' || char === '<' || rest.startsWith('&>')) {
      // 2>&1, > file: a preceding number is a file descriptor, and the next word is a file name.
      if (word !== null && /^\d+$/.test(word)) word = null;
      endWord();
      at += /^(?:&>>?|>>|>&|>\||<<<|<<|<&|<>|>|<)/.exec(rest)![0].length;
      dropNext = true;
    } else if (char === ';' || char === '|' || char === '&' || char === '\n') {
      endCommand(char === '\n');
      at++;
    } else if (/\s/.test(char)) {
      endWord();
      at++;
    } else {
      word = (word ?? '') + char;
      at++;
    }
  }
  endCommand(true);
  return commands;
}

/** Quotes a word for a shell. */
export function shellQuote(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** Whether a word contains values that only a running shell knows. */
export function isUnresolved(word: string): boolean {
  return /[$`]/.test(word);
}

/** The expansion of a `$` or backquote at `at`, as far as the script determines it; otherwise the source text. */
function expand(
  script: string,
  at: number,
  variables: ReadonlyMap<string, string>,
): { text: string; end: number } {
  const rest = script.slice(at);
  if (rest.startsWith('`')) {
    const end = rest.indexOf('`', 1);
    const command = rest.slice(1, end < 0 ? undefined : end);
    // A comment in backquotes is a common way to comment inside a command.
    const text = /^\s*(#|$)/.test(command) ? '' : `\`${command}\``;
    return { text, end: end < 0 ? script.length : at + end + 1 };
  }
  if (rest.startsWith('$(')) {
    const end = closing(rest, 1);
    const written = rest.slice(0, end);
    const sum = /^\$\(\((.*)\)\)$/s.exec(written);
    const value = sum && shellArithmetic(sum[1]!, variables);
    return { text: typeof value === 'number' ? String(value) : written, end: at + end };
  }
  const plain = /^\$(?:\{(\w+)\}|(\w+))/.exec(rest);
  if (plain) return { text: variables.get(plain[1] ?? plain[2]!) ?? plain[0], end: at + plain[0].length };
  const otherwise = /^\$\{(\w+)(:?)-([^{}$`'"]*)\}/.exec(rest);
  if (otherwise) {
    const [written, name, colon, fallback] = otherwise as unknown as [string, string, string, string];
    const value = variables.get(name);
    const isSet = colon === ':' ? value !== undefined && value !== '' : value !== undefined;
    return { text: isSet ? value! : fallback, end: at + written.length };
  }
  const braces = /^\$\{[^}]*\}/.exec(rest)?.[0] ?? '$';
  return { text: braces, end: at + braces.length };
}

/** Index after the parenthesis that closes the one at `open`. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '(') depth++;
    if (text[at] === ')' && --depth === 0) return at + 1;
  }
  return text.length;
}

const OPENING = new Set(['if', 'case', 'do']);
const CLOSING = new Set(['fi', 'esac', 'done']);

/** The change in nesting of conditions and loops by a command. */
function nesting([first]: readonly string[]): number {
  return OPENING.has(first!) ? 1 : CLOSING.has(first!) ? -1 : 0;
}

const ASSIGNMENT = /^([A-Za-z_]\w*)=(.*)$/s;

/** Records the variables that a command sets, and forgets those whose value is uncertain. */
function assign(words: readonly string[], variables: Map<string, string>, isConditional: boolean): void {
  const start = words.findIndex((word) => !/^(then|else|do|export|local|readonly|declare|-\w+)$/.test(word));
  const set = words.slice(start < 0 ? words.length : start).map((word) => ASSIGNMENT.exec(word));
  // Before a command they are its environment, not its words.
  if (set.some((match) => match === null)) return;
  for (const [, name, value] of set as RegExpExecArray[]) {
    // Arguments of the script, which is assumed to have none.
    if (/^\$\{?\d/.test(value!)) continue;
    const isKnown = !isUnresolved(value!) && (!isConditional || variables.get(name!) === value);
    if (isKnown) variables.set(name!, value!);
    else variables.delete(name!);
  }
}
