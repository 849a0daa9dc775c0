import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkField, defaultRecipe, recipeFields, type RecipeKey } from '../../base/config/recipe.ts';
import {
  fieldShape,
  formatJson,
  formatLayers,
  formatNumber,
  idleReason,
  parseFieldText,
  parseLayers,
} from './recipeShape.ts';

const keys = Object.keys(recipeFields) as RecipeKey[];

describe('fieldShape', () => {
  it('has the range that the recipe checks', () => {
    for (const key of keys) {
      const shape = fieldShape(key);
      if (shape.kind !== 'number') continue;
      expect(checkField(key, shape.min), `${key} at ${shape.min}`).toBeNull();
      expect(checkField(key, shape.max), `${key} at ${shape.max}`).toBeNull();
      expect(checkField(key, shape.max + 1)).not.toBeNull();
      expect(checkField(key, shape.min - 1)).not.toBeNull();
      expect(checkField(key, shape.min + Math.min(0.5, (shape.max - shape.min) / 2)) === null).toBe(
        !shape.integer,
      );
    }
  });

  it('recognizes choices and switches', () => {
    expect(fieldShape('mask')).toEqual({ kind: 'choice', options: ['assistant', 'all', 'last', 'chatml'] });
    expect(fieldShape('packing')).toEqual({ kind: 'switch' });
    expect(fieldShape('targets')).toEqual({ kind: 'targets' });
    expect(fieldShape('modules_to_save')).toEqual({ kind: 'modules' });
    expect(fieldShape('template_args')).toEqual({ kind: 'json' });
  });
});

describe('idleReason', () => {
  it('reports which fields have no effect', () => {
    expect(idleReason('double_quant', { method: 'lora' }, false)).toBe('needsQlora');
    expect(idleReason('double_quant', { method: 'qlora' }, false)).toBeNull();
    expect(idleReason('double_quant', { method: 'qlora' }, true)).toBe('quantizedModel');
    expect(idleReason('method', { method: 'lora' }, true)).toBe('quantizedModel');
    expect(idleReason('method', { method: 'lora' }, false)).toBeNull();
    expect(idleReason('rank', { method: 'lora' }, true)).toBeNull();
  });
});

describe('parseFieldText', () => {
  it('parses numbers as people write them', () => {
    expect(parseFieldText('lr', '2e-4')).toBe(2e-4);
    expect(parseFieldText('lr', ' 0,0003 ')).toBe(3e-4);
    expect(parseFieldText('rank', '64')).toBe(64);
  });

  it('rejects what the recipe would reject', () => {
    for (const text of ['', ' ', 'abc', '1.5', '0', '513', '1e9', '-3', 'NaN', 'Infinity']) {
      expect(parseFieldText('rank', text), text).toBeUndefined();
    }
  });

  it('round-trips every default', () => {
    const defaults = defaultRecipe();
    for (const key of keys) {
      if (fieldShape(key).kind !== 'number') continue;
      expect(parseFieldText(key, formatNumber(defaults[key] as number))).toBe(defaults[key]);
    }
  });
});

describe('formatNumber', () => {
  it('round-trips exactly', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(formatNumber(value)) + 0).toBe(value + 0);
      }),
    );
    expect(formatNumber(0.0002)).toBe('2e-4');
    expect(formatNumber(0.05)).toBe('0.05');
  });
});

describe('JSON fields', () => {
  it('round-trip on one line', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const written = formatJson(value);
        expect(written).not.toContain('\n');
        expect(JSON.stringify(JSON.parse(written))).toBe(JSON.stringify(value));
      }),
    );
    expect(formatJson({ enable_thinking: false, tags: ['a b', '{\n}'], none: {} })).toBe(
      '{"enable_thinking": false, "tags": ["a b", "{\\n}"], "none": {}}',
    );
    expect(parseFieldText('template_args', ' {"enable_thinking": false} ')).toEqual({
      enable_thinking: false,
    });
    expect(parseFieldText('template_args', '')).toEqual({});
  });

  it('accept only objects, and no numbers that would change', () => {
    for (const text of ['{', '[]', '[1]', 'null', '1', '"a"', 'enable_thinking: false', "{'a': 1}"]) {
      expect(parseFieldText('template_args', text), text).toBeUndefined();
    }
    for (const number of ['1e999', '9007199254740993', '-12345678901234567890']) {
      expect(parseFieldText('template_args', `{"n": [${number}]}`), number).toBeUndefined();
    }
  });
});

describe('layers', () => {
  it('round-trips', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 200 }), { minLength: 1 }), (layers) => {
        const sorted = layers.toSorted((a, b) => a - b);
        expect(parseLayers(formatLayers(sorted))).toEqual(sorted);
      }),
    );
    expect(parseLayers('ALL')).toBe('all');
    expect(parseLayers('7, 0-3')).toEqual([0, 1, 2, 3, 7]);
    expect(formatLayers([0, 1, 2, 3, 7])).toBe('0-3, 7');
  });

  it('rejects what is not a list of blocks', () => {
    for (const text of ['', 'first', '3-1', '-2', '1.5', '0-999999']) {
      expect(parseLayers(text), text).toBeUndefined();
    }
  });
});
