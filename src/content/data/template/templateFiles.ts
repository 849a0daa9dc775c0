import { GraftError } from '../../../base/lib/errors.ts';
import type { Folder } from '../../../base/storage/types.ts';
import { tokenizerLimits } from '../programLimits.ts';
import { decodeUtf8 } from '../files/utf8.ts';

/** The folder of further templates beside chat_template.jinja, each named by its file. */
const MORE_TEMPLATES = 'additional_chat_templates';
const ENDING = '.jinja';

/** The chat templates of a model, as transformers selects them. */
export interface ChatTemplates {
  /** The default one; if there are several but no default, one that raises an error; null without any. */
  chatTemplate: string | null;
  /** The one named tool_use, for conversations with tools; null if there is none. */
  toolTemplate: string | null;
}

interface Sources {
  /** chat_template.jinja */
  own: string | null;
  /**
   * The chat_template values of JSON files, in order of precedence: a text, an object by name, or a list of {name,
   * template}.
   */
  configured: unknown[];
  /** The default template of the tokenizer's kind. */
  otherwise: string | null;
}

/**
 * Selects a model's templates: files take precedence over keys of JSON files, of which the first with any counts.
 * Throws `data.tokenizer_invalid`.
 */
export async function readTemplates(
  folder: Folder,
  { own, configured, otherwise }: Sources,
): Promise<ChatTemplates> {
  const files = new Map(own === null ? [] : [['default', own]]);
  for (const [name, source] of await readMore(folder)) files.set(name, source);
  if (files.size > 0) return chosen(files);
  for (const value of configured) {
    const templates = templatesOf(value);
    if (templates.size > 0) return chosen(templates);
  }
  return { chatTemplate: otherwise, toolTemplate: null };
}

async function readMore(folder: Folder): Promise<[string, string][]> {
  const more = await folder.inner?.(MORE_TEMPLATES);
  if (!more) return [];
  const names = (await more.list()).filter((name) => name.endsWith(ENDING));
  return Promise.all(
    names.map(async (name): Promise<[string, string]> => {
      const source = await more.open(name);
      const file = `${MORE_TEMPLATES}/${name}`;
      const invalid = (detail: string) => new GraftError('data.tokenizer_invalid', { file, detail });
      const { fileBytes } = tokenizerLimits;
      if (source.size > fileBytes) throw invalid(`it has more than ${fileBytes} bytes`);
      const text = decodeUtf8(await source.read(0, source.size));
      if (text === null) throw invalid('it is not valid UTF-8');
      return [name.slice(0, -ENDING.length), text.replace(/^\ufeff/, '')];
    }),
  );
}

/** The templates in a key of a JSON file, by name; a plain text is the default. */
function templatesOf(value: unknown): Map<string, string> {
  if (typeof value === 'string') return new Map([['default', value]]);
  const entries = Array.isArray(value)
    ? value.map((entry: unknown) => (isObject(entry) ? [entry.name, entry.template] : []))
    : isObject(value)
      ? Object.entries(value)
      : [];
  return new Map(
    entries.filter(
      (entry): entry is [string, string] =>
        entry.length === 2 && entry.every((part) => typeof part === 'string'),
    ),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function chosen(templates: ReadonlyMap<string, string>): ChatTemplates {
  return {
    chatTemplate: templates.get('default') ?? refusing([...templates.keys()]),
    toolTemplate: templates.get('tool_use') ?? null,
  };
}

/**
 * A template that raises an error listing the names: transformers also rejects such a model unless a template is named.
 */
function refusing(names: readonly string[]): string {
  const list = [...names]
    .sort()
    .join(', ')
    .replace(/[\\'\n\r]/g, ' ');
  return `{{ raise_exception('the model has several chat templates (${list}) and none of them is the default') }}`;
}
