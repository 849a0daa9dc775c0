import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editJsonObject } from './jsonEdit.ts';

describe('editJsonObject', () => {
  const text =
    '{\n  "rope_theta": 1e4,\n  "dropout": 0.0,\n  "quantization_config": {\n    "bits": 4\n  },\n  "x": "é"\n}\n';

  it('keeps the text of what is not changed', () => {
    const edited = editJsonObject(text, { quantization_config: undefined, torch_dtype: 'float16' });
    expect(edited).toBe(
      '{\n  "rope_theta": 1e4,\n  "dropout": 0.0,\n  "x": "é",\n  "torch_dtype": "float16"\n}\n',
    );
  });

  it('puts a new value in the place of the old one', () => {
    const edited = editJsonObject(text, { quantization_config: { load_in_4bit: true, skip: ['lm_head'] } });
    expect(Object.keys(JSON.parse(edited) as object)).toEqual([
      'rope_theta',
      'dropout',
      'quantization_config',
      'x',
    ]);
    expect(edited).toContain(
      '  "quantization_config": {\n    "load_in_4bit": true,\n    "skip": [\n      "lm_head"\n    ]\n  },\n',
    );
    expect(edited).toContain('"rope_theta": 1e4,\n  "dropout": 0.0,');
  });

  it('leaves any object what it is, but for what is changed', () => {
    const value = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }));
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2), (object, indent) => {
        const edited = JSON.parse(
          editJsonObject(JSON.stringify(object, null, indent), { 'a }"\\': 1 }),
        ) as object;
        expect(edited).toEqual({ ...(JSON.parse(JSON.stringify(object)) as object), 'a }"\\': 1 });
      }),
    );
  });

  it('edits an object of one line, and an empty one', () => {
    expect(JSON.parse(editJsonObject('{"a":1,"b":[2]}', { a: undefined, c: { d: null } }))).toEqual({
      b: [2],
      c: { d: null },
    });
    expect(editJsonObject('{}', { a: 1 })).toBe('{"a": 1}');
  });

  it('takes time that grows with the text alone', () => {
    const spaces = ' '.repeat(5_000_000);
    expect(editJsonObject(`{"a":1,${spaces}"b":2} `, { a: undefined })).toBe('{"b":2} ');
  });
});
