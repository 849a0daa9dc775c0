import { isEmpty, isObject, ownField } from './conversation.ts';

/** The known row formats. `qwen` is QwenLM's `conversations` with from user/assistant. */
export type DataFormat =
  | 'messages'
  | 'sharegpt'
  | 'alpaca'
  | 'prompt_completion'
  | 'preference'
  | 'qwen'
  | 'glaive'
  | 'text'
  | 'tokenized';

/*
 * The meaning of each known field of a row, in any format. A field with a meaning is applied or its row is rejected;
 * every other field is reported as unused. `messageFields` is the same for the fields of a message.
 */

/** Meanings of fields beside the conversation. */
export type RowMeaning =
  /** The system message, unless the turns have one. */
  | 'system'
  /** Tool descriptions for the template. */
  | 'tools'
  /** Documents for the template. */
  | 'documents'
  /** Further template variables, as an object. */
  | 'variables'
  /** A template variable with its own name. */
  | 'variable'
  /** Scales the loss of the row; 0 and false make all of it context. */
  | 'weight'
  /** A mask that does not say whether 1 means trained. */
  | 'mask'
  /** Whether the answer is good (KTO). */
  | 'label'
  /** The better and the worse answer of a pair. */
  | 'chosen'
  | 'rejected'
  /** Images, audio and video, which text models can't read. */
  | 'media'
  /** The assistant's thought before its answer. */
  | 'thought';

/** Keys ignore case, "_" and "-": see {@link rowMeaning}. */
const rowFields: Readonly<Record<string, RowMeaning>> = {
  system: 'system',
  systemprompt: 'system',
  systemmessage: 'system',
  systeminstruction: 'system',
  tools: 'tools',
  functions: 'tools',
  availabletools: 'tools',
  documents: 'documents',
  chattemplatekwargs: 'variables',
  templateargs: 'variables',
  enablethinking: 'variable',
  thinking: 'thought',
  reasoningeffort: 'variable',
  reasoningcontent: 'thought',
  reasoning: 'thought',
  thought: 'thought',
  weight: 'weight',
  lossweight: 'weight',
  sampleweight: 'weight',
  lossscale: 'weight',
  loss: 'weight',
  lossmask: 'weight',
  lossmasks: 'weight',
  lossweights: 'weight',
  weights: 'weight',
  mask: 'mask',
  train: 'weight',
  training: 'weight',
  trainable: 'weight',
  label: 'label',
  ktotag: 'label',
  ktolabel: 'label',
  isgood: 'label',
  chosen: 'chosen',
  chosenresponse: 'chosen',
  chosenmessages: 'chosen',
  preferredoutput: 'chosen',
  responsej: 'chosen',
  rejected: 'rejected',
  rejectedresponse: 'rejected',
  rejectedmessages: 'rejected',
  nonpreferredoutput: 'rejected',
  responsek: 'rejected',
  image: 'media',
  imageurl: 'media',
  imageurls: 'media',
  imagepath: 'media',
  images: 'media',
  video: 'media',
  videos: 'media',
  audio: 'media',
  audios: 'media',
};

/** Meanings of fields of a message. */
export type MessageMeaning =
  | 'role'
  | 'content'
  | 'thought'
  | 'calls'
  | 'weight'
  | 'ignored'
  | 'mask'
  | 'refusal'
  | 'media'
  | 'span'
  | 'template';

/** Keys as in {@link rowFields}: see {@link messageMeaning}. */
const messageFields: Readonly<Record<string, MessageMeaning>> = {
  role: 'role',
  from: 'role',
  content: 'content',
  value: 'content',
  reasoningcontent: 'thought',
  thinking: 'thought',
  reasoning: 'thought',
  thought: 'thought',
  thoughts: 'thought',
  reasoningtext: 'thought',
  reasoningdetails: 'thought',
  thinkingblocks: 'thought',
  toolcalls: 'calls',
  functioncall: 'calls',
  weight: 'weight',
  loss: 'weight',
  train: 'weight',
  training: 'weight',
  trainable: 'weight',
  lossweight: 'weight',
  lossmask: 'weight',
  lossscale: 'weight',
  lossweights: 'weight',
  trained: 'weight',
  learn: 'weight',
  supervise: 'weight',
  ignore: 'ignored',
  skip: 'ignored',
  ignored: 'ignored',
  ignoreloss: 'ignored',
  masked: 'ignored',
  noloss: 'ignored',
  mask: 'mask',
  refusal: 'refusal',
  image: 'media',
  images: 'media',
  imageurl: 'media',
  imagepath: 'media',
  video: 'media',
  videos: 'media',
  audio: 'media',
  audios: 'media',
  traindetail: 'span',
  trainingdetail: 'span',
  name: 'template',
  toolcallid: 'template',
};

/** The rows of a file have the same few names. */
const plainNames = new Map<string, string>();
const MAX_NAMES = 1000;

/** A field name without case, "_" and "-". */
function plainName(name: string): string {
  const known = plainNames.get(name);
  if (known !== undefined) return known;
  const plain = name.toLowerCase().replaceAll(/[_-]/g, '');
  if (plainNames.size < MAX_NAMES) plainNames.set(name, plain);
  return plain;
}

function meaningIn<M>(table: Readonly<Record<string, M>>, name: string): M | undefined {
  const plain = plainName(name);
  return Object.hasOwn(table, plain) ? table[plain] : undefined;
}

/** The meaning of a field beside the conversation; undefined if it has none. */
export function rowMeaning(name: string): RowMeaning | undefined {
  return meaningIn(rowFields, name);
}

/** The meaning of a field of a message; undefined if it has none. */
export function messageMeaning(name: string): MessageMeaning | undefined {
  return meaningIn(messageFields, name);
}

/** The non-empty fields of the message with that meaning. */
export function messageFieldsWith(message: object, meaning: MessageMeaning): string[] {
  return Object.keys(message).filter(
    (name) => messageMeaning(name) === meaning && !isEmpty(ownField(message, name)),
  );
}

/** The fields that define each row format. */
const shapeFields: Readonly<Record<DataFormat, readonly string[]>> = {
  messages: ['messages', 'conversations', 'conversation', 'dialogue', 'dialog'],
  sharegpt: ['conversations', 'messages', 'conversation', 'dialogue', 'dialog'],
  qwen: ['conversations', 'messages', 'conversation', 'dialogue', 'dialog'],
  alpaca: [
    'instruction',
    'query',
    'question',
    'prompt',
    'input',
    'context',
    'output',
    'response',
    'answer',
    'history',
  ],
  prompt_completion: ['prompt', 'completion'],
  preference: [
    'prompt',
    'messages',
    'conversations',
    'instruction',
    'query',
    'question',
    'input',
    'history',
    'completion',
    'output',
  ],
  glaive: ['system', 'chat'],
  text: ['text'],
  tokenized: [
    'prompt_ids',
    'chosen_ids',
    'rejected_ids',
    'completion_ids',
    'input_ids',
    'labels',
    'attention_mask',
    'completion_mask',
    'assistant_masks',
    'assistant_mask',
    'assistant_tokens_mask',
    'loss_mask',
    'loss_weights',
    'weights',
    'loss_scale',
    'position_ids',
    'token_type_ids',
    'length',
  ],
};

/** The meanings that a format applies or rejects; others have no effect there. */
function meansSomething(format: DataFormat, meaning: RowMeaning): boolean {
  if (format === 'tokenized') return ['chosen', 'rejected', 'weight', 'mask', 'label'].includes(meaning);
  // {"text", "label"} is classification data, and a text cannot take a system message.
  if (format === 'text')
    return ['weight', 'mask', 'chosen', 'rejected', 'media', 'tools', 'thought'].includes(meaning);
  return true;
}

/** The meaning of the row's field `name`, given its format and value; undefined if it has none. */
export function meaningOf(format: DataFormat, name: string, value: unknown): RowMeaning | undefined {
  const meaning = rowMeaning(name);
  if (shapeFields[format].includes(name) || meaning === undefined || isEmpty(value)) return undefined;
  if (meaning === 'label' && labelOf(value) === null) return undefined;
  // A number under "loss" may be a measured loss, a text under "train" the name of a split.
  if (meaning === 'weight' && !isRowWeight(name, value)) return undefined;
  if (meaning === 'mask' && typeof value === 'string') return undefined;
  // A thinking mode, as in Nemotron's rows.
  if (meaning === 'thought' && MODES.test(String(value).trim())) return undefined;
  return meansSomething(format, meaning) ? meaning : undefined;
}

/** Values that set the thinking mode and are not thoughts. */
const MODES = /^(?:on|off|auto|none|low|medium|high|enabled|disabled|true|false|yes|no)$/i;

function isRowWeight(name: string, value: unknown): boolean {
  if (typeof value === 'boolean' || Array.isArray(value)) return true;
  const text = typeof value === 'string' ? value.trim().toLowerCase() : '';
  if (text === 'true' || text === 'false') return true;
  const isNumber = typeof value === 'number' || value instanceof Number || text !== '';
  const number = isNumber ? Number(value) : NaN;
  const isFlag = /^(?:loss|train\w*)$/.test(plainName(name));
  return isFlag ? number === 0 || number === 1 : !Number.isNaN(number);
}

/** A KTO label: true for a good answer, false for a bad one, null for other values. */
export function labelOf(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  const text = String(value).trim().toLowerCase();
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : null;
}

/** The fields of the row with that meaning. */
export function fieldsWith(row: Record<string, unknown>, format: DataFormat, meaning: RowMeaning): string[] {
  return Object.keys(row).filter((name) => meaningOf(format, name, ownField(row, name)) === meaning);
}

/** Fields of the row that are not used, such as `id` or `messages[].id`: its own, and those of its messages. */
export function unusedFields(row: Record<string, unknown>, format: DataFormat): string[] {
  const unused: string[] = [];
  for (const name of Object.keys(row)) {
    const value = ownField(row, name);
    if (isEmpty(value)) continue;
    const isShape = shapeFields[format].includes(name);
    if (!isShape && meaningOf(format, name, value) === undefined) unused.push(name);
    if (isShape && Array.isArray(value) && value.some(isTurn)) unused.push(...unusedOfMessages(name, value));
  }
  return unused;
}

function isTurn(item: unknown): boolean {
  return isObject(item) && (Object.hasOwn(item, 'role') || Object.hasOwn(item, 'from'));
}

function unusedOfMessages(field: string, messages: readonly unknown[]): string[] {
  const names = new Set<string>();
  for (const message of messages) {
    if (!isObject(message)) continue;
    const isOther = (name: string) =>
      (name === 'from' && Object.hasOwn(message, 'role')) ||
      (name === 'value' && Object.hasOwn(message, 'content'));
    for (const name of Object.keys(message)) {
      // The template determines whether `name` and `tool_call_id` are used.
      const meaning = messageMeaning(name);
      const isRead = meaning !== undefined && meaning !== 'template' && !isOther(name);
      if (!isRead && !isEmpty(ownField(message, name))) names.add(`${field}[].${name}`);
    }
  }
  return [...names];
}
