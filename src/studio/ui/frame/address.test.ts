import { describe, expect, it } from 'vitest';
import { fragmentOf, placeOf } from './address.ts';

describe('the address of a view', () => {
  it('names the view and its project, and is read back', () => {
    expect(fragmentOf({ view: 'train', project: null })).toBe('#/train');
    for (const project of [null, '20260131-142500-3f9a2c', 'a/b 100%', '海盗'])
      expect(placeOf(fragmentOf({ view: 'data', project }))).toEqual({ view: 'data', project });
  });

  it('is no other fragment', () => {
    for (const other of ['', '#', '#recipe=abc', '#/nowhere', '#/p/train', '#/p/%/train', '#/p/a/b/train'])
      expect(placeOf(other)).toBeNull();
  });
});
