import { expect, it } from 'vitest';
import { boxesOf, nextBox } from './boxes.ts';

const flame = (name: string, children: ReturnType<typeof leaf>[] = []) => ({ ...leaf(name), children });
function leaf(name: string) {
  return { name, start: 0, end: 1, children: [] as never[], dispatch: null };
}

it('places parts above their children, and arrow keys move between them', () => {
  const boxes = boxesOf(flame('step', [flame('forward', [leaf('a'), leaf('b')]) as never, leaf('backward')]));
  expect(boxes.map((box) => [box.flame.name, box.depth])).toEqual([
    ['step', 0],
    ['forward', 1],
    ['a', 2],
    ['b', 2],
    ['backward', 1],
  ]);
  const walk = (keys: string[]) =>
    keys.reduce((box, key) => nextBox(box, `Arrow${key}`) ?? box, boxes[0]!).flame.name;
  expect(walk(['Down'])).toBe('forward');
  expect(walk(['Down', 'Down', 'Right'])).toBe('b');
  expect(walk(['Down', 'Down', 'Right', 'Right', 'Up', 'Right'])).toBe('backward');
  expect(walk(['Down', 'Left', 'Up', 'Up'])).toBe('step');
  expect(nextBox(boxes[0]!, 'x')).toBe(null);
});
