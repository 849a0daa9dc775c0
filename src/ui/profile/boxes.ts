import type { Flame } from '../../lib/profile.ts';

/** A bar of a flame chart. */
export interface Box {
  flame: Flame;
  /** Rows from the top. */
  depth: number;
  /** Place among all bars. */
  index: number;
  parent: Box | null;
  children: Box[];
}

/** The bars of a flame chart, each before those that lie in it. */
export function boxesOf(root: Flame): Box[] {
  const boxes: Box[] = [];
  const add = (flame: Flame, depth: number, parent: Box | null) => {
    const box: Box = { flame, depth, index: boxes.length, parent, children: [] };
    boxes.push(box);
    parent?.children.push(box);
    for (const child of flame.children) add(child, depth + 1, box);
  };
  add(root, 0, null);
  return boxes;
}

/** Where an arrow key leads from a bar: to its neighbours, up, or into it; null where there is nothing. */
export function nextBox({ parent, children, index }: Box, key: string): Box | null {
  const siblings = parent?.children ?? [];
  const place = siblings.findIndex((box) => box.index === index);
  switch (key) {
    case 'ArrowLeft':
      return siblings[place - 1] ?? null;
    case 'ArrowRight':
      return siblings[place + 1] ?? null;
    case 'ArrowUp':
      return parent;
    case 'ArrowDown':
      return children[0] ?? null;
    default:
      return null;
  }
}
