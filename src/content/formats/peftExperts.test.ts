import { expect, it } from 'vitest';
import { expertsApart, expertsTogether, parameterOf, wrapperOf } from './peftExperts.ts';

const [into, out] = ['l.0.mlp.experts.gate_up_proj', 'l.0.mlp.experts.down_proj'];

it('names wrappers as PEFT nests them, and finds their parameters again', () => {
  const both = new Map([into, out, 'l.0.mlp.gate'].map((name) => [name, null]));
  expect(wrapperOf(into, both)).toBe('l.0.mlp.experts.base_layer');
  expect(wrapperOf(out, both)).toBe('l.0.mlp.experts');
  expect(wrapperOf(into, new Map([[into, null]]))).toBe('l.0.mlp.experts');
  expect(wrapperOf('l.0.mlp.gate', both)).toBe('l.0.mlp.gate');
  // The MLP of a dense layer has a module of that name.
  expect(wrapperOf('l.0.mlp.down_proj', both)).toBe('l.0.mlp.down_proj');
  const stored = new Set(['l.0.mlp.experts', 'l.0.mlp.experts.base_layer', 'l.0.mlp.gate']);
  const targets = ['gate.weight', 'gate_up_proj', 'down_proj'];
  expect(parameterOf('l.0.mlp.experts.base_layer', targets, stored)).toBe(into);
  expect(parameterOf('l.0.mlp.experts', targets, stored)).toBe(out);
  expect(parameterOf('l.0.mlp.gate', targets, stored)).toBeNull();
  const one = new Set(['l.0.mlp.experts']);
  expect(parameterOf('l.0.mlp.experts', ['experts.gate_up_proj'], one)).toBe(into);
  expect(parameterOf('l.0.mlp.experts', [out], one)).toBe(out);
  expect(parameterOf('l.0.mlp.experts', [], one)).toBeNull();
});

it('takes the B of each expert from the columns of all, and puts it back', () => {
  const sizes = { experts: 2, out: 2, rank: 3 };
  // Column j · experts + e of a row belongs to expert e.
  const together = Float32Array.from([0, 100, 1, 101, 2, 102, 10, 110, 11, 111, 12, 112]);
  const apart = Float32Array.from([0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112]);
  expect(expertsApart(together, sizes)).toEqual(apart);
  expect(expertsTogether(apart, sizes)).toEqual(together);
});
