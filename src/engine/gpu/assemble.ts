/**
 * Assembles WGSL. A shader file is valid WGSL with four kinds of directives in comments:
 *
 *   //#include lib/grid.wgsl        another file of shaders/, inserted once; may be part of a function
 *   //#if NAME / //#if NAME == v    lines included only if the constant is true / equals v (also `!NAME`, `!=`)
 *   //#else  //#endif
 *   //#for I TM * 2 … //#end        lines repeated for I = 0u, 1u, …; the count is a product or quotient of numbers and
 *                                   constants, at least 1. I may also be part of a name, between underscores. For
 *                                   indices that must be constant, and values that must be in registers
 *
 * and defaults that a pipeline may override: `const TILE: u32 = 16;` and `alias E = f32;`. Includes are resolved at
 * build time in the browser and at startup in Node; the rest at pipeline creation. `const` rather than `override`,
 * because register arrays must be sized by const-expressions.
 */

/** Values for a shader's `const` and `alias` defaults and for its `//#if` lines. */
export type ShaderConstants = Record<string, number | boolean | string>;

const INCLUDE = /^\s*\/\/#include\s+(\S+)\s*$/;

/** Replaces every `//#include` with the file's text, each file once. `read` takes a path relative to shaders/. */
export function resolveIncludes(source: string, read: (path: string) => string): string {
  const seen = new Set<string>();
  const resolve = (text: string): string =>
    text
      .split('\n')
      .map((line) => {
        const path = INCLUDE.exec(line)?.[1];
        if (path === undefined) return line;
        if (seen.has(path)) return '';
        seen.add(path);
        return resolve(read(path));
      })
      .join('\n');
  return resolve(source);
}

/**
 * Specializes a shader whose includes are resolved: evaluates conditions, overrides defaults, unrolls `//#for` loops,
 * and enables f16 and subgroups if the result uses them. Throws on a constant the shader does not declare.
 */
export function specialize(name: string, source: string, constants: ShaderConstants): string {
  const unused = new Set(Object.keys(constants));
  const active = applyConditions(name, source, constants, unused);
  const replaced = active.replace(
    /^(const|alias)\s+(\w+)(\s*:\s*(\w+))?\s*=\s*([^;]+);/gm,
    (line, kind: string, key: string, _type: string | undefined, type: string | undefined) => {
      const value = constants[key];
      if (value === undefined) return line;
      unused.delete(key);
      if (kind === 'alias') return `alias ${key} = ${String(value)};`;
      return `const ${key}${type ? `: ${type}` : ''} = ${literal(value, type)};`;
    },
  );
  if (unused.size > 0) throw new Error(`shader ${name}: unknown constant ${[...unused].join(', ')}`);
  const unrolled = unroll(name, replaced);
  const code = unrolled.replace(/\/\/.*$/gm, '');
  const features = [/\bf16\b/.test(code) && 'f16', /\bsubgroup[A-Z_]/.test(code) && 'subgroups'];
  return [...features.filter(Boolean).map((feature) => `enable ${String(feature)};\n`), unrolled].join('');
}

/** Unrolls `//#for` … `//#end`, innermost loop last. */
function unroll(name: string, source: string): string {
  const constants = new Map(
    [...source.matchAll(/^const\s+(\w+)\s*(?::\s*u32)?\s*=\s*(\d+)u?\s*;/gm)].map(([, key, value]) => [
      key!,
      Number(value),
    ]),
  );
  const lines = source.split('\n');
  const expand = (from: number, until: number): string[] => {
    const out: string[] = [];
    for (let i = from; i < until; i++) {
      const loop = /^\s*\/\/#for\s+(\w+)\s+(.+?)\s*$/.exec(lines[i]!);
      if (!loop) {
        out.push(lines[i]!);
        continue;
      }
      const end = endOf(name, lines, i);
      const body = expand(i + 1, end).join('\n');
      const variable = new RegExp(`(?<=\\b|_)${loop[1]!}(?=\\b|_)`, 'g');
      for (let n = 0; n < count(name, loop[2]!, constants); n++) out.push(body.replace(variable, `${n}u`));
      i = end;
    }
    return out;
  };
  return expand(0, lines.length).join('\n');
}

function endOf(name: string, lines: readonly string[], start: number): number {
  let depth = 0;
  for (let i = start; i < lines.length; i++) {
    if (/^\s*\/\/#for\b/.test(lines[i]!)) depth += 1;
    if (/^\s*\/\/#end\s*$/.test(lines[i]!)) depth -= 1;
    if (depth === 0) return i;
  }
  throw new Error(`shader ${name}: //#for without //#end`);
}

/** Evaluates a product or quotient of numbers and constants from left to right; at least 1. */
function count(name: string, text: string, constants: ReadonlyMap<string, number>): number {
  const [first = '', ...rest] = text.split(/\s*([*/])\s*/);
  const valueOf = (term: string): number => {
    const value = /^\d+$/.test(term) ? Number(term) : constants.get(term);
    if (value === undefined) throw new Error(`shader ${name}: cannot count "${text}"`);
    return value;
  };
  let result = valueOf(first);
  for (let i = 0; i < rest.length; i += 2) {
    result = rest[i] === '*' ? result * valueOf(rest[i + 1]!) : Math.floor(result / valueOf(rest[i + 1]!));
  }
  return Math.max(1, result);
}

function literal(value: number | boolean | string, type: string | undefined): string {
  if (type === 'u32' && typeof value === 'number') return `${value}u`;
  if (type === 'f32' && typeof value === 'number') return `f32(${value})`;
  return String(value);
}

function applyConditions(
  name: string,
  source: string,
  constants: ShaderConstants,
  unused: Set<string>,
): string {
  const stack: { parent: boolean; condition: boolean }[] = [];
  const out: string[] = [];
  let active = true;
  for (const line of source.split('\n')) {
    const directive = /^\s*\/\/#(if|else|endif)\b\s*(.*)$/.exec(line);
    if (!directive) {
      if (active) out.push(line);
      continue;
    }
    if (directive[1] === 'if') {
      const condition = evaluate(name, directive[2] ?? '', constants, unused);
      stack.push({ parent: active, condition });
      active = active && condition;
      continue;
    }
    const top = stack.at(-1);
    if (!top) throw new Error(`shader ${name}: //#${directive[1]} without //#if`);
    if (directive[1] === 'else') active = top.parent && !top.condition;
    else {
      active = top.parent;
      stack.pop();
    }
  }
  if (stack.length > 0) throw new Error(`shader ${name}: //#if without //#endif`);
  return out.join('\n');
}

function evaluate(name: string, text: string, constants: ShaderConstants, unused: Set<string>): boolean {
  const match = /^(!?)(\w+)\s*(?:(==|!=)\s*(\w+))?\s*$/.exec(text);
  if (!match) throw new Error(`shader ${name}: cannot read condition "${text}"`);
  const [, not, key = '', operator, operand] = match;
  unused.delete(key);
  const value = constants[key];
  if (operator) return (String(value) === operand) === (operator === '==');
  return Boolean(value) !== (not === '!');
}

/** One `var<storage>` or `var<uniform>` of a shader, in declaration order. */
export interface ShaderBinding {
  name: string;
  binding: number;
  kind: 'read' | 'read_write' | 'uniform';
}

/** One field of a shader's `struct Params`, 4 bytes each. */
export interface ShaderParam {
  name: string;
  type: 'u32' | 'i32' | 'f32';
}

/** Reads the bindings of group 0 and the fields of `struct Params` out of a specialized shader. */
export function reflect(source: string): {
  bindings: ShaderBinding[];
  params: ShaderParam[];
  workgroupEntry: string;
} {
  const code = source.replace(/\/\/.*$/gm, '');
  const bindings: ShaderBinding[] = [];
  for (const match of code.matchAll(
    /@group\(0\)\s*@binding\((\d+)\)\s*var<(\w+)(?:\s*,\s*(\w+))?>\s*(\w+)/g,
  )) {
    const [, binding, space, access, name = ''] = match;
    const kind = space === 'uniform' ? 'uniform' : access === 'read_write' ? 'read_write' : 'read';
    bindings.push({ name, binding: Number(binding), kind });
  }
  const params: ShaderParam[] = [];
  const struct = /struct\s+Params\s*\{([^}]*)\}/.exec(code)?.[1] ?? '';
  for (const match of struct.matchAll(/(\w+)\s*:\s*(u32|i32|f32)/g)) {
    params.push({ name: match[1] ?? '', type: match[2] as ShaderParam['type'] });
  }
  const workgroupEntry = /@compute[^{]*?fn\s+(\w+)/.exec(code)?.[1] ?? 'main';
  return { bindings, params, workgroupEntry };
}
