import type { Recipe } from '../base/config/recipe.ts';
import { GraftError } from '../base/lib/errors.ts';
import type { WorkerLike } from '../base/threads/workerClient.ts';
import type { ByteSource, Folder, WritableFolder } from '../base/storage/types.ts';
import type { Inspection } from '../content/data/dataset/inspect.ts';
import type { Problem } from '../content/data/files/problems.ts';
import type { EndToken } from '../content/data/labels/turnEnd.ts';
import type { TemplateMessage } from '../content/data/rows/conversation.ts';
import { checkIdsFit } from '../content/data/tokenizer/tokenizer.ts';
import { readTokenizerFiles } from '../content/data/tokenizer/tokenizerFiles.ts';
import { TextGuard } from '../content/guard/textGuard.ts';
import { textInThread } from '../content/guard/textInThread.ts';
import type { Prompt, PromptTokens } from '../content/guard/textProtocol.ts';
import type { AdapterDtype } from '../content/formats/peft.ts';
import type { Answer, AnswerOptions } from '../engine/infer/answer.ts';
import type { MergeFolder } from '../engine/merge/mergeFolder.ts';
import type { ProvedMerge, ProvedMergeOptions } from '../engine/merge/mergeProved.ts';
import type { MergeProof } from '../engine/merge/verifyMerge.ts';
import type { EvaluationData, EvaluationSettings } from './evaluation/evaluationData.ts';
import type { Host } from './host.ts';
import type { MergeSettings } from './mergeTrained.ts';
import { readRows } from './readData.ts';
import { Session, type UseOptions } from './session.ts';
import { writeAdapterFolder } from './trainedFiles.ts';
import type { RowsInMemory } from './trainJob.ts';

/** Sampling of an answer, by default greedy and of up to 256 tokens. */
export interface ChatOptions extends Partial<AnswerOptions>, UseOptions {
  /** Variables for the chat template, such as `{ enable_thinking: false }`. */
  templateArgs?: Readonly<Record<string, unknown>>;
}

/** A data file as it will be trained on. */
export interface ReadRows {
  rows: RowsInMemory;
  /** Rows that were left out, and why. */
  problems: readonly Problem[];
  /** All that is known of the file: its format, what was cut, what may be wrong with rows that are used. */
  inspection: Inspection;
}

/** How a merged model is written. */
export interface WriteModelOptions
  extends Partial<Pick<MergeSettings, 'onto' | 'quantize' | 'title'>>, Partial<ProvedMergeOptions> {}

const greedy = { temperature: 0, topK: 0, topP: 1, seed: 0, maxNewTokens: 256 };

/**
 * A session that also reads data, renders prompts and writes adapters. The model's template and tokenizer run in a thread
 * of their own where the host can start one.
 */
export class LibrarySession extends Session {
  readonly #text: TextGuard;
  /** The folder whose tokenizer is open, and its opening. */
  #opened: { folder: Folder; opening: Promise<unknown> } | null = null;

  /** @param startText starts the thread of the model's programs; by default they run in the caller's */
  constructor(host: Host, startText: () => WorkerLike = textInThread) {
    super(host);
    this.#text = new TextGuard(startText);
  }

  /**
   * The rows of a data file, masked, cut and split as a recipe says; those left out are in `problems`, by line. Throws
   * `data.*`, `storage.*`.
   * @param rowsField the list of rows in a JSON object; found by itself where not given
   * @param validation a file whose rows the loss is measured on; none are held out then
   */
  async readRows(
    source: ByteSource,
    recipe: Recipe,
    rowsField?: string,
    validation?: ByteSource,
  ): Promise<ReadRows> {
    const text = await this.#openText();
    const { rows, inspection } = await readRows(
      source,
      text,
      this.model.files,
      recipe,
      rowsField,
      validation,
    );
    const other = inspection.validation;
    const problems = [inspection.parsed, inspection.tokens, other?.parsed, other?.tokens].flatMap(
      (part) => part?.problems ?? [],
    );
    return { rows, problems: problems.sort((a, b) => a.line - b.line), inspection };
  }

  /**
   * Answers a user message or a conversation by the model's chat template, with what was trained or opened last. Throws
   * `infer.*`, `data.template_*`.
   */
  async chat(
    prompt: string | readonly TemplateMessage[],
    { templateArgs, ...options }: ChatOptions = {},
  ): Promise<Answer & { seconds: number }> {
    const messages = typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;
    const { ids, endIds } = await this.promptTokens({
      kind: 'chat',
      messages,
      ...(templateArgs && { templateArgs }),
    });
    return this.generate(ids, { ...greedy, endIds, ...options });
  }

  /**
   * A chat or a text to continue as token ids, and those that end its answer. Throws `infer.no_tokenizer`,
   * `data.template_*`, `data.pattern_hangs`, `data.tokenizer_*`.
   */
  async promptTokens(prompt: Prompt): Promise<PromptTokens> {
    const { tokenizer, files } = this.model;
    if (!tokenizer) throw new GraftError('infer.no_tokenizer');
    const tokens = await (await this.#openText()).prompt(prompt);
    checkIdsFit(tokenizer, tokens.ids, files.spec.vocabSize);
    return tokens;
  }

  /**
   * Rows of a data file to be scored by `evaluateRows`: chats, prompts with answers, or multiple-choice questions as ARC and
   * MMLU have them. Throws `data.*`, `infer.no_tokenizer`.
   */
  async readEvaluation(source: ByteSource, settings: EvaluationSettings = {}): Promise<EvaluationData> {
    const { readEvaluation } = await import('./evaluation/index.ts');
    return readEvaluation(source, await this.#openText(), this.model.files, settings);
  }

  /**
   * Writes the adapter that was trained or opened last as a PEFT folder, with its recipe, metrics and a model card.
   * Throws `train.full_no_adapter`, `storage.*`.
   * @param title of the card; by default the folder's name
   * @param dtype I8 is read by Graft alone
   */
  async writeAdapter(
    out: WritableFolder,
    { title = out.name, dtype = 'F32' }: { title?: string; dtype?: AdapterDtype } = {},
  ): Promise<void> {
    await writeAdapterFolder(out, this.model.files, this.trained, { title, dtype, ends: await this.#ends() });
  }

  /**
   * Merges what was trained or opened last into its base, by default onto the original weights in files of at most 4 GB,
   * and proves what was written. A merge that was cut off continues. Throws `merge.*`, `storage.*`.
   */
  async writeModel(
    out: MergeFolder,
    { onto = 'original', quantize = null, title = out.name, ...options }: WriteModelOptions = {},
  ): Promise<ProvedMerge<MergeProof>> {
    const settings = { onto, quantize, title, ends: await this.#ends() };
    return this.merge(out, settings, { maxShardBytes: 4e9, ...options });
  }

  override async close(): Promise<void> {
    this.#text.end();
    await super.close();
  }

  /** The tokens that training taught to end answers with. */
  async #ends(): Promise<EndToken[]> {
    const text = await this.#openText();
    return text.hasTokenizer ? text.trainedEnds() : [];
  }

  /** The guard with the tokenizer of the open model, which is opened once. */
  async #openText(): Promise<TextGuard> {
    const { folder } = this.model.files;
    if (this.#opened?.folder !== folder)
      this.#opened = { folder, opening: this.#text.open(() => readTokenizerFiles(folder), Infinity) };
    await this.#opened.opening;
    return this.#text;
  }
}
