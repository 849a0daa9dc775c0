/**
 * The value of what stands in `$((…))`: whole numbers and variables with + − * / % ** and parentheses, as POSIX shells
 * and bash count. Null where it holds anything else, a variable that is not known, or no whole number.
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
  const power = (): number => {
    const base = atom();
    if (tokens[at] !== '**') return base;
    at++;
    return base ** power();
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

/** A number of the shell; one with a leading zero is octal there, which nobody means. */
function whole(text: string | undefined): number {
  return text !== undefined && /^-?(0|[1-9]\d*)$/.test(text) ? Number(text) : NaN;
}
