import { isObject, ownField, tryJson } from './conversation.ts';
import { ownFormat, type RowFormat } from './formats.ts';
import { preferenceOf, type PreferenceKind } from './preference.ts';
import type { Row } from '../files/row.ts';
import { readsMessageKey, readsVariable } from '../template/templateTraits.ts';
import { fieldsWith, unusedFields, type DataFormat } from './rowFields.ts';

/** Facts about a dataset beyond its conversations. */
export interface DataFacts {
  /** For preference data: its kind, and the number of such rows. */
  preference: { kind: PreferenceKind; rows: number } | null;
  /** Fields that are not used, such as `id` or `messages[].id`, in order of appearance. */
  unused: string[];
}

/**
 * The facts about some rows.
 * @param chatTemplate source of the model's template, which may read further keys of messages
 */
export function dataFacts(rows: readonly Row[], format: RowFormat, chatTemplate: string | null): DataFacts {
  const unused = new Set<string>();
  const kinds = new Map<PreferenceKind, number>();
  for (const { value } of rows) {
    if (typeof format === 'object') {
      const used = new Set(
        format.kind === 'text' ? [format.text] : [format.system, ...format.prompt, format.response],
      );
      for (const name of Object.keys(value)) if (!used.has(name)) unused.add(name);
      continue;
    }
    const own = ownFormat(value, format);
    for (const name of unusedFields(value, own)) unused.add(name);
    for (const name of unreadVariables(value, own, chatTemplate)) unused.add(name);
    const kind = preferenceOf(value, own);
    if (kind) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const [most] = [...kinds].sort((a, b) => b[1] - a[1]);
  return {
    preference: most ? { kind: most[0], rows: most[1] } : null,
    unused: [...unused].filter((name) => !isReadByTemplate(name, chatTemplate)),
  };
}

/** Message keys that only templates read, such as `messages[].name`. */
function isReadByTemplate(name: string, chatTemplate: string | null): boolean {
  const key = /\[\]\.(.+)$/.exec(name)?.[1];
  return key !== undefined && chatTemplate !== null && readsMessageKey(chatTemplate, key);
}

/** The row's template variables that the template does not use. */
function unreadVariables(
  row: Record<string, unknown>,
  format: DataFormat,
  chatTemplate: string | null,
): string[] {
  const own = fieldsWith(row, format, 'variable');
  const given = fieldsWith(row, format, 'variables').flatMap((field) => {
    const value = ownField(row, field);
    const parsed = typeof value === 'string' ? tryJson(value) : value;
    return isObject(parsed) ? Object.keys(parsed).map((key) => `${field}.${key}`) : [];
  });
  return [...own, ...given].filter(
    (name) => chatTemplate === null || !readsVariable(chatTemplate, name.split('.').at(-1)!),
  );
}
