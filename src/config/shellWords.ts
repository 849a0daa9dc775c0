/**
 * The words of a shell command by the rules of POSIX shells: quotes, backslashes, comments. Variables that `variables`
 * knows are filled in, others stay as they are written.
 */
export function shellWords(command: string, variables: ReadonlyMap<string, string> = new Map()): string[] {
  const words: string[] = [];
  let word: string | null = null;
  const fill = (at: number): { text: string; end: number } => {
    const match = /^\$(?:\{(\w+)\}|(\w+))/.exec(command.slice(at));
    const name = match?.[1] ?? match?.[2];
    if (!match || name === undefined) return { text: '$', end: at + 1 };
    return { text: variables.get(name) ?? match[0], end: at + match[0].length };
  };
  for (let at = 0; at < command.length;) {
    const char = command[at]!;
    if (char === "'") {
      const end = command.indexOf("'", at + 1);
      word = (word ?? '') + command.slice(at + 1, end < 0 ? undefined : end);
      at = end < 0 ? command.length : end + 1;
    } else if (char === '"') {
      word ??= '';
      for (at++; at < command.length && command[at] !== '"';) {
        if (command[at] === '\\' && /["\\$`\n]/.test(command[at + 1] ?? '')) {
          word += command[at + 1] === '\n' ? '' : command[at + 1];
          at += 2;
        } else if (command[at] === '$') {
          const { text, end } = fill(at);
          word += text;
          at = end;
        } else word += command[at++];
      }
      at++;
    } else if (char === '\\') {
      // A backslash at the end of a line goes on with the next one.
      const next = /^\\\r?\n/.exec(command.slice(at, at + 3));
      if (!next) word = (word ?? '') + (command[at + 1] ?? '');
      at += next ? next[0].length : 2;
    } else if (char === '$') {
      const { text, end } = fill(at);
      word = (word ?? '') + text;
      at = end;
    } else if (char === '#' && word === null) {
      const end = command.indexOf('\n', at);
      at = end < 0 ? command.length : end;
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
      at++;
    } else {
      word = (word ?? '') + char;
      at++;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

/** A word as a shell reads it back. */
export function shellQuote(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** `NAME=value` lines of a script. */
export function shellVariables(script: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const [, name, value] of script.matchAll(/^\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)$/gm)) {
    // What a command would give is not known.
    const first = /`|\$\(/.test(value!) ? undefined : shellWords(value!, variables)[0];
    if (first !== undefined && !/^\$\d/.test(first)) variables.set(name!, first);
  }
  return variables;
}
