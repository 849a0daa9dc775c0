/** Parentheses and signs inside each other: no script has so many, and a stack has an end. */
const MAX_DEPTH = 200;

/**
 * Evaluates the content of `$((…))`: integers and variables with + − * / % ** and parentheses, as in POSIX shells and
 * bash. Null for anything else, an unknown variable, very deep nesting, or a result that is not an integer.
 */
export function shellArithmetic(expression: string, variables: ReadonlyMap<string, string>): number | null {
  const tokens = expression.match(/\*\*|[-+*/%()]|\$?\w+|\$\{\w+\}|\S/g) ?? [];
  let at = 0;
  const atom = (): number => {
    const token = tokens[at++];
    if (token === undefined) return NaN;
    if (token === '-') return -power();
    if (token === '+') return power();
    if (token === '(') {
      const value = sum();
      return tokens[at++] === ')' ? value : NaN;
    }
    if (/^\d+$/.test(token)) return whole(token);
    const name = /^(?:\$?([A-Za-z_]\w*)|\$\{(\w+)\})$/.exec(token);
    return name ? whole(variables.get(name[1] ?? name[2]!)) : NaN;
  };
  let depth = 0;
  const power = (): number => {
    if (depth >= MAX_DEPTH) return NaN;
    depth++;
    const base = atom();
    let value = base;
    if (tokens[at] === '**') {
      at++;
      value = base ** power();
    }
    depth--;
    return value;
  };
  const product = (): number => {
    let value = power();
    while (/^[*/%]$/.test(tokens[at] ?? '')) {
      const operator = tokens[at++];
      const by = power();
      if (operator === '*') value *= by;
      else value = operator === '/' ? Math.trunc(value / by) : value % by;
    }
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (tokens[at] === '+' || tokens[at] === '-') value += tokens[at++] === '+' ? product() : -product();
    return value;
  };
  const value = sum();
  return at === tokens.length && Number.isSafeInteger(value) ? value : null;
}

/** A shell number; one with a leading zero would be octal, which is never intended. */
function whole(text: string | undefined): number {
  return text !== undefined && /^-?(0|[1-9]\d*)$/.test(text) ? Number(text) : NaN;
}
