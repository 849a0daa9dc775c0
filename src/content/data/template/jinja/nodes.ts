import type { BinaryOperator } from './operators.ts';
import type { Value } from './values.ts';

/** Arguments of a call, filter or test. */
export interface Arguments {
  args: Expression[];
  keywords: { name: string; value: Expression }[];
  /** `*args` and `**kwargs` */
  moreArgs: Expression | null;
  moreKeywords: Expression | null;
}

export type CompareOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';

export type Name = { type: 'name'; name: string };

/** Assignment targets. */
export type Target =
  Name | { type: 'attributeTarget'; name: string; attribute: string } | { type: 'targets'; items: Target[] };

export type Expression =
  | Name
  | { type: 'constant'; value: Value }
  | { type: 'list' | 'tuple'; items: Expression[] }
  | { type: 'dict'; pairs: [Expression, Expression][] }
  | { type: 'binary'; operator: BinaryOperator; left: Expression; right: Expression }
  | { type: 'and' | 'or'; left: Expression; right: Expression }
  | { type: 'not' | 'negative' | 'positive'; operand: Expression }
  | { type: 'compare'; first: Expression; rest: { operator: CompareOperator; operand: Expression }[] }
  | { type: 'concat'; parts: Expression[] }
  | { type: 'condition'; test: Expression; value: Expression; otherwise: Expression | null; line: number }
  | { type: 'attribute'; object: Expression; name: string }
  | { type: 'item'; object: Expression; key: Expression }
  | { type: 'slice'; start: Expression | null; stop: Expression | null; step: Expression | null }
  | { type: 'call'; callee: Expression; arguments: Arguments; line: number }
  /** `operand` is null for the content of a block: `{% filter … %}` and `{% set x | … %}`. */
  | { type: 'filter'; name: string; operand: Expression | null; arguments: Arguments; line: number }
  | { type: 'test'; name: string; operand: Expression; arguments: Arguments; line: number };

export type Filter = Extract<Expression, { type: 'filter' }>;

/** Parameters of a macro or call block; `defaults` belong to the last ones. */
export interface Parameters {
  names: string[];
  defaults: Expression[];
}

export type Macro = { type: 'macro'; name: string; parameters: Parameters; body: Statement[]; line: number };
export type CallBlock = {
  type: 'callBlock';
  call: Extract<Expression, { type: 'call' }>;
  parameters: Parameters;
  body: Statement[];
  line: number;
};
export type Generation = { type: 'generation'; parameters: Parameters; body: Statement[]; line: number };
export type For = {
  type: 'for';
  target: Target;
  iterable: Expression;
  test: Expression | null;
  recursive: boolean;
  body: Statement[];
  otherwise: Statement[];
  line: number;
};
export type If = { type: 'if'; test: Expression; body: Statement[]; elifs: If[]; otherwise: Statement[] };
export type Block = {
  type: 'block';
  name: string;
  scoped: boolean;
  required: boolean;
  body: Statement[];
  line: number;
};

export type Statement =
  | { type: 'output'; parts: ({ type: 'text'; text: string } | Expression)[] }
  | { type: 'set'; target: Target; value: Expression }
  | { type: 'setBlock'; target: Target; filter: Filter | null; body: Statement[] }
  | For
  | If
  | Macro
  | CallBlock
  | Generation
  | { type: 'filterBlock'; filter: Filter; body: Statement[] }
  | { type: 'with'; targets: Target[]; values: Expression[]; body: Statement[] }
  | { type: 'scope'; body: Statement[] }
  | Block
  | { type: 'continue' | 'break'; line: number }
  /** include, import, from and extends: nothing can be loaded, but the names they define are known. */
  | { type: 'load'; tag: string; source: Expression; names: string[] };
