import type { Flame } from '../../../base/lib/profile.ts';

/** A bar of a flame chart. */
export interface Box {
  flame: Flame;
  /** Row from the top. */
  depth: number;
  /** Index among all bars. */
  index: number;
  parent: Box | null;
  children: Box[];
}

/** The bars of a flame chart, each before its children. */
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

/** The target of an arrow key from a bar: a sibling, its parent or a child; null if there is none. */
export function nextBox({ parent, children, index }: Box, key: string): Box | null {
  const siblings = parent?.children ?? [];
  const position = siblings.findIndex((box) => box.index === index);
  switch (key) {
    case 'ArrowLeft':
      return siblings[position - 1] ?? null;
    case 'ArrowRight':
      return siblings[position + 1] ?? null;
    case 'ArrowUp':
      return parent;
    case 'ArrowDown':
      return children[0] ?? null;
    default:
      return null;
  }
}
