import { showReordering } from '../../../base/lib/visibleText.ts';

/** Attributes that are read or shown; what is typed (`value`) stays as it is. */
const shownAttributes = [
  'title',
  'label',
  'aria-label',
  'aria-description',
  'aria-valuetext',
  'alt',
  'placeholder',
];

/**
 * Properties of an element with their text as it may be shown: names, rows, answers and errors hold text of others, which
 * could otherwise turn around what is read. All elements of the page are made of these (`jsx-runtime.ts`), so that no
 * view has to think of it.
 */
export function shownProps<Props>(props: Props): Props {
  const given = props as Readonly<Record<string, unknown>>;
  let changed: Record<string, unknown> | null = null;
  for (const name of ['children', ...shownAttributes]) {
    const shown = shownValue(given[name]);
    if (shown !== given[name]) (changed ??= { ...given })[name] = shown;
  }
  return (changed ?? given) as Props;
}

/** A text, or a list with texts in it; elements in the list have gone through here themselves. */
function shownValue(value: unknown): unknown {
  if (typeof value === 'string') return showReordering(value);
  if (!Array.isArray(value)) return value;
  const shown = value.map(shownValue);
  return shown.some((one, i) => one !== value[i]) ? shown : value;
}
