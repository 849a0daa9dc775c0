import { expect, it } from 'vitest';
import { floatsOf, openFixture } from '../../../testing/quantizedFixtures.ts';
import { dynamicMap } from './dynamicMap.ts';

it.each(['signed', 'unsigned'])('makes the %s map of bitsandbytes to the bit', async (name) => {
  const map = dynamicMap(name === 'signed');
  expect(map).toHaveLength(256);
  expect(map).toEqual(await floatsOf(await openFixture('dynamic-maps'), name));
});
