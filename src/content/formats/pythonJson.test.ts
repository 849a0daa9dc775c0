import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byCodePoint, pythonJson, type JsonValue } from './pythonJson.ts';

describe('pythonJson', () => {
  it('writes as json.dumps(indent=2, sort_keys=True)', () => {
    const value = { b: [1, 'x\u007f\n"', []], a: { z: null, y: {} }, _: true, gone: undefined, n: 0.5 };
    expect(pythonJson(value)).toBe(
      '{\n  "_": true,\n  "a": {\n    "y": {},\n    "z": null\n  },\n  "b": [\n    1,\n    "x\\u007f\\n\\"",\n    []\n  ],\n  "n": 0.5\n}',
    );
  });

  it('says what it was given, in ASCII', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const text = pythonJson(value as JsonValue);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(text).toMatch(/^[\n -~]*$/);
      }),
    );
  });
});

describe('byCodePoint', () => {
  it('orders as the UTF-8 bytes do', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(byCodePoint(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});
