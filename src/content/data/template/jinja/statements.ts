import { unsupported } from './errors.ts';
import { parseExpression, parseFilter, parseTuple } from './expressions.ts';
import { parseTarget } from './targets.ts';
import { syntaxError } from './literals.ts';
import type { CallBlock, Expression, Filter, If, Parameters, Statement, Target } from './nodes.ts';
import { Tokens } from './tokens.ts';

/** Parses a template. Throws TemplateSyntaxError with the line. */
export function parseTemplate(source: string): Statement[] {
  const parser = new Parser(new Tokens(source));
  return parser.body([]);
}

class Parser {
  readonly #tokens: Tokens;

  constructor(tokens: Tokens) {
    this.#tokens = tokens;
  }

  /** Statements up to a tag in `ends`, whose name is then the current token; to the end of the template if omitted. */
  body(ends: string[]): Statement[] {
    const tokens = this.#tokens;
    const body: Statement[] = [];
    let parts: Extract<Statement, { type: 'output' }>['parts'] = [];
    const flush = () => {
      if (parts.length > 0) body.push({ type: 'output', parts });
      parts = [];
    };
    for (;;) {
      if (tokens.isType('data')) parts.push({ type: 'text', text: tokens.take().text });
      else if (tokens.isType('variable_begin')) {
        tokens.take();
        parts.push(parseTuple(tokens));
        tokens.expectType('variable_end', 'the end of the expression');
      } else if (tokens.isType('block_begin')) {
        flush();
        tokens.take();
        if (tokens.isName(...ends)) return body;
        body.push(this.#statement(ends));
        tokens.expectType('block_end', 'the end of the tag');
      } else if (ends.length > 0) throw tokens.unexpected(ends.map((end) => `{% ${end} %}`).join(' or '));
      else {
        flush();
        return body;
      }
    }
  }

  /** The body of a tag, up to its end tag, which the caller must close. */
  #block(...ends: string[]): Statement[] {
    this.#tokens.skipOperator(':');
    this.#tokens.expectType('block_end', 'the end of the tag');
    return this.body(ends);
  }

  /** The body of a tag, and the name of its end tag. */
  #closed(end: string): Statement[] {
    const body = this.#block(end);
    this.#tokens.take();
    return body;
  }

  #statement(ends: string[]): Statement {
    const tokens = this.#tokens;
    const { line } = tokens;
    const tag = tokens.expectName();
    switch (tag) {
      case 'for':
        return this.#for(line);
      case 'if':
        return this.#if();
      case 'set':
        return this.#set();
      case 'print':
        return { type: 'output', parts: this.#printed() };
      case 'macro': {
        const name = tokens.expectName();
        checkName(name, line);
        return { type: 'macro', name, parameters: this.#parameters(), body: this.#closed('endmacro'), line };
      }
      case 'call':
        return this.#call(line);
      case 'generation':
        return {
          type: 'generation',
          parameters: { names: [], defaults: [] },
          body: this.#closed('endgeneration'),
          line,
        };
      case 'filter':
        return {
          type: 'filterBlock',
          filter: parseFilter(tokens, null, true) as Filter,
          body: this.#closed('endfilter'),
        };
      case 'with':
        return this.#with();
      case 'block':
        return this.#namedBlock(line);
      case 'autoescape':
        return this.#autoescape();
      case 'break':
      case 'continue':
        return { type: tag, line };
      case 'include':
      case 'extends':
      case 'import':
      case 'from':
        return this.#load(tag);
      default:
        throw syntaxError(
          `unknown tag {% ${tag} %}${ends.length > 0 ? `, expected {% ${ends.join(' %} or {% ')} %}` : ''}`,
          line,
        );
    }
  }

  #for(line: number): Statement {
    const tokens = this.#tokens;
    const target = parseTarget(tokens, { ends: ['in'] });
    tokens.expectKeyword('in');
    const iterable = parseTuple(tokens, { conditions: false, ends: ['recursive'] });
    const test = tokens.skipName('if') ? parseExpression(tokens) : null;
    const recursive = tokens.skipName('recursive');
    const body = this.#block('endfor', 'else');
    const otherwise = tokens.take().text === 'endfor' ? [] : this.#closed('endfor');
    return { type: 'for', target, iterable, test, recursive, body, otherwise, line };
  }

  #if(): If {
    const tokens = this.#tokens;
    const test = parseTuple(tokens, { conditions: false });
    const node: If = {
      type: 'if',
      test,
      body: this.#block('elif', 'else', 'endif'),
      elifs: [],
      otherwise: [],
    };
    for (let end = tokens.take().text; end !== 'endif'; end = tokens.take().text) {
      if (end === 'else') {
        node.otherwise = this.#closed('endif');
        break;
      }
      const elifTest = parseTuple(tokens, { conditions: false });
      const body = this.#block('elif', 'else', 'endif');
      node.elifs.push({ type: 'if', test: elifTest, body, elifs: [], otherwise: [] });
    }
    return node;
  }

  #set(): Statement {
    const tokens = this.#tokens;
    const target = parseTarget(tokens, { attributes: true });
    if (tokens.skipOperator('=')) return { type: 'set', target, value: parseTuple(tokens) };
    const filter = parseFilter(tokens, null) as Filter | null;
    return { type: 'setBlock', target, filter, body: this.#closed('endset') };
  }

  #printed(): Expression[] {
    const tokens = this.#tokens;
    const parts: Expression[] = [];
    while (!tokens.isType('block_end')) {
      if (parts.length > 0) tokens.expectOperator(',');
      parts.push(parseExpression(tokens));
    }
    return parts;
  }

  #parameters(): Parameters {
    const tokens = this.#tokens;
    const parameters: Parameters = { names: [], defaults: [] };
    tokens.expectOperator('(');
    while (!tokens.isOperator(')')) {
      if (parameters.names.length > 0) tokens.expectOperator(',');
      const { line } = tokens;
      const name = tokens.expectName();
      checkName(name, line);
      if (parameters.names.includes(name)) throw syntaxError(`duplicate argument '${name}'`, line);
      if (tokens.skipOperator('=')) parameters.defaults.push(parseExpression(tokens));
      else if (parameters.defaults.length > 0)
        throw syntaxError('non-default argument follows default argument', line);
      parameters.names.push(name);
    }
    tokens.expectOperator(')');
    return parameters;
  }

  #call(line: number): CallBlock {
    const tokens = this.#tokens;
    const parameters = tokens.isOperator('(') ? this.#parameters() : { names: [], defaults: [] };
    const call = parseExpression(tokens);
    if (call.type !== 'call') throw syntaxError('expected call', line);
    return { type: 'callBlock', call, parameters, body: this.#closed('endcall'), line };
  }

  #with(): Statement {
    const tokens = this.#tokens;
    const targets: Target[] = [];
    const values: Expression[] = [];
    while (!tokens.isType('block_end')) {
      if (targets.length > 0) tokens.expectOperator(',');
      // One name each: a comma ends it, and a tuple needs parentheses.
      targets.push(parseTarget(tokens));
      tokens.expectOperator('=');
      values.push(parseExpression(tokens));
    }
    return { type: 'with', targets, values, body: this.#closed('endwith') };
  }

  #namedBlock(line: number): Statement {
    const tokens = this.#tokens;
    const name = tokens.expectName();
    const scoped = tokens.skipName('scoped');
    const required = tokens.skipName('required');
    const body = this.#closed('endblock');
    tokens.skipName(name);
    return { type: 'block', name, scoped, required, body, line };
  }

  #autoescape(): Statement {
    const value = parseExpression(this.#tokens);
    const body = this.#closed('endautoescape');
    if (value.type !== 'constant' || value.value !== false) throw unsupported('{% autoescape %}');
    return { type: 'scope', body };
  }

  /** A tag that loads another template. Nothing can be loaded here, so it is an error only if reached. */
  #load(tag: string): Statement {
    const tokens = this.#tokens;
    const source = parseExpression(tokens);
    const names: string[] = [];
    if (tag === 'include' && tokens.skipName('ignore')) tokens.expectKeyword('missing');
    if (tag === 'import') {
      tokens.expectKeyword('as');
      names.push(tokens.expectName());
    } else if (tag === 'from') {
      tokens.expectKeyword('import');
      do {
        if (tokens.isName('with', 'without')) break;
        const name = tokens.expectName();
        names.push(tokens.skipName('as') ? tokens.expectName() : name);
      } while (tokens.skipOperator(','));
    }
    if (tokens.isName('with', 'without')) {
      tokens.take();
      tokens.expectKeyword('context');
    }
    return { type: 'load', tag, source, names };
  }
}

const CONSTANTS = new Set(['true', 'false', 'none', 'True', 'False', 'None']);

function checkName(name: string, line: number): void {
  if (CONSTANTS.has(name)) throw syntaxError(`can't assign to '${name}'`, line);
}
