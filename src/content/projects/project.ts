import * as v from 'valibot';
import { GraftError } from '../../base/lib/errors.ts';

/** The version of a project's file; a later one is refused, not misread. */
export const PROJECT_FORMAT = 1;

const text = v.string();
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** What a Hub said of a model, shown without asking it again. */
const hubSchema = v.object({
  endpoint: text,
  host: text,
  repo: text,
  commit: text,
  revision: text,
  license: v.nullable(text),
  bytes: v.number(),
  gated: v.boolean(),
  private: v.boolean(),
  page: text,
  files: count,
  bytesHere: v.number(),
  begun: v.boolean(),
  complete: v.boolean(),
  offline: v.boolean(),
  /** The file that was chosen of a repo of GGUF files. */
  gguf: v.optional(text),
});

const modelSchema = v.variant('kind', [
  v.object({ kind: v.literal('bundled'), name: text }),
  v.object({ kind: v.literal('hub'), name: text, facts: hubSchema }),
  /** Files of the user's disk, which only the user can open again. */
  v.object({ kind: v.literal('dropped'), name: text }),
]);

const mappingSchema = v.variant('kind', [
  v.object({ kind: v.literal('text'), text }),
  v.object({ kind: v.literal('prompt'), system: v.nullable(text), prompt: v.array(text), response: text }),
]);

const sourceSchema = v.variant('kind', [
  /** A copy among the projects' files. */
  v.object({ kind: v.literal('kept'), hash: text }),
  v.object({ kind: v.literal('cached'), host: text, repo: text, commit: text, path: text }),
  /** Too large for a copy: only the user can open it again. */
  v.object({ kind: v.literal('dropped') }),
]);

const dataSchema = v.object({
  /** The file's name, or its address on a Hub. */
  name: text,
  source: sourceSchema,
  rowsField: v.nullable(text),
  /** The character encoding, where the user chose it. */
  encoding: v.optional(text),
  mapping: v.nullable(mappingSchema),
});

const requestSchema = v.object({
  system: text,
  prompt: text,
  continueText: v.boolean(),
  maxNewTokens: v.number(),
  temperature: v.number(),
  topK: v.number(),
  topP: v.number(),
  repetitionPenalty: v.optional(v.number(), 1),
  seed: v.number(),
  adapterStrength: v.number(),
});

/** What answers on one side of the chat. */
const answererSchema = v.variant('kind', [
  v.object({ kind: v.literal('base') }),
  /** What was trained or opened last. */
  v.object({ kind: v.literal('adapter') }),
  v.object({ kind: v.literal('checkpoint'), run: text, step: count }),
]);

/** Who gave an answer, as it was called then. */
const authorSchema = v.object({
  model: text,
  /** `base`, `adapter` or `checkpoint`; with the step where there is one. */
  kind: v.picklist(['base', 'adapter', 'checkpoint']),
  /** The run of a checkpoint, or the name of an adapter that was opened. */
  name: v.optional(text),
  step: v.optional(count),
});

const answerSchema = v.object({
  text,
  tokens: count,
  tokensPerSecond: v.number(),
  stoppedBy: v.picklist(['end', 'length', 'caller']),
  by: authorSchema,
});

const turnSchema = v.object({
  /** A message of the conversation, or a text to continue, which stands alone. */
  kind: v.picklist(['chat', 'text']),
  user: text,
  /** How often it was asked again: each time with the next seed. */
  attempt: v.optional(count, 0),
  answers: v.object({ left: v.nullable(answerSchema), right: v.nullable(answerSchema) }),
});

/** What the user preferred of two answers. */
const voteSchema = v.object({
  line: count,
  prompt: text,
  names: v.tuple([text, text]),
  answers: v.tuple([text, text]),
  preferred: v.picklist(['first', 'second', 'tie']),
});

const projectSchema = v.object({
  format: v.literal(PROJECT_FORMAT),
  id: text,
  /** What the user calls it; empty for a name made of its data and model. */
  name: text,
  /** The example that ships with the page. */
  example: v.boolean(),
  createdAt: v.number(),
  changedAt: v.number(),
  model: v.nullable(modelSchema),
  data: v.nullable(dataSchema),
  /** The file that the loss is measured on, where it is another. */
  validation: v.optional(v.nullable(v.object({ name: text, source: sourceSchema })), null),
  /** The recipe's changes from the defaults: fields that a later version adds have its defaults. */
  recipe: v.record(text, v.unknown()),
  samplePrompts: v.array(text),
  request: v.nullable(requestSchema),
  chat: v.optional(v.array(turnSchema), []),
  /** What answers in the chat; on the right possibly nothing. */
  sides: v.optional(v.object({ left: answererSchema, right: v.nullable(answererSchema) }), {
    left: { kind: 'base' },
    right: { kind: 'adapter' },
  }),
  /** On answers of evaluations. */
  votes: v.optional(v.array(voteSchema), []),
  /** Ids of its stored runs, the latest last. */
  runs: v.array(text),
});

/** A project: everything of the work that is not a run. Rows' edits are in files of their own, by the data's content. */
export type Project = v.InferOutput<typeof projectSchema>;
export type ProjectModel = v.InferOutput<typeof modelSchema>;
export type ProjectData = v.InferOutput<typeof dataSchema>;
export type ChatTurn = v.InferOutput<typeof turnSchema>;
export type ChatAnswer = v.InferOutput<typeof answerSchema>;
export type ChatAuthor = v.InferOutput<typeof authorSchema>;
export type Answerer = v.InferOutput<typeof answererSchema>;

/** Throws `projects.newer`, `projects.invalid`. */
export function parseProject(json: unknown): Project {
  const format = (json as { format?: unknown } | null)?.format;
  if (typeof format === 'number' && format > PROJECT_FORMAT)
    throw new GraftError('projects.newer', { format });
  const result = v.safeParse(projectSchema, json);
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw new GraftError('projects.invalid', { field: v.getDotPath(issue) ?? 'format' });
}

const rowsSchema = v.object({
  format: v.literal(PROJECT_FORMAT),
  /** Changed rows by position: their new text, or that they are excluded. */
  changes: v.array(
    v.object({
      position: count,
      text: v.optional(text),
      excluded: v.optional(v.literal(true)),
      /** The row is not in the file: the user added it. */
      added: v.optional(v.literal(true)),
    }),
  ),
  /** Edits that were not applied yet. */
  drafts: v.array(v.object({ position: count, text })),
});

/** What the user did to the rows of one data file. */
export type ProjectRows = v.InferOutput<typeof rowsSchema>;

export const noRows: ProjectRows = { format: PROJECT_FORMAT, changes: [], drafts: [] };

/** Throws `projects.invalid`. */
export function parseRows(json: unknown): ProjectRows {
  const result = v.safeParse(rowsSchema, json);
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw new GraftError('projects.invalid', { field: v.getDotPath(issue) ?? 'format' });
}
