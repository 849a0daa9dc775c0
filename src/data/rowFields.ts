import { isEmpty, isObject, ownField } from './conversation.ts';

/** The shapes of rows that are understood. `qwen` is QwenLM's `conversations` with from user/assistant. */
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
 * What each known field of a row means, in whatever shape of row it stands. A field with a meaning is honoured, or its
 * row is refused; every other field is reported as unused. `messageFields` is the same for the fields of a message.
 */

/** What a field beside the conversation means. */
export type RowMeaning =
  /** The system message, where the turns have none. */
  | 'system'
  /** Tool descriptions for the template. */
  | 'tools'
  /** Documents for the template. */
  | 'documents'
  /** Further template variables: an object of them. */
  | 'variables'
  /** A template variable by its own name. */
  | 'variable'
  /** Scales the loss of the row; 0 and false make all of it context. */
  | 'weight'
  /** Whether the answer is a good one (KTO). */
  | 'label'
  /** The better and the worse answer of a pair. */
  | 'chosen'
  | 'rejected'
  /** Pictures, sound and video, which text models can't read. */
  | 'media'
  /** What the assistant thinks before its answer. */
  | 'thought';

export const rowFields: Readonly<Record<string, RowMeaning>> = {
  system: 'system',
  system_prompt: 'system',
  system_message: 'system',
  tools: 'tools',
  functions: 'tools',
  documents: 'documents',
  chat_template_kwargs: 'variables',
  template_args: 'variables',
  enable_thinking: 'variable',
  thinking: 'thought',
  reasoning_effort: 'variable',
  reasoning_content: 'thought',
  reasoning: 'thought',
  thought: 'thought',
  weight: 'weight',
  loss_weight: 'weight',
  sample_weight: 'weight',
  loss_scale: 'weight',
  loss: 'weight',
  loss_mask: 'weight',
  train: 'weight',
  training: 'weight',
  trainable: 'weight',
  label: 'label',
  kto_tag: 'label',
  chosen: 'chosen',
  chosen_response: 'chosen',
  chosen_messages: 'chosen',
  preferred_output: 'chosen',
  response_j: 'chosen',
  rejected: 'rejected',
  rejected_response: 'rejected',
  rejected_messages: 'rejected',
  non_preferred_output: 'rejected',
  response_k: 'rejected',
  image: 'media',
  images: 'media',
  video: 'media',
  videos: 'media',
  audio: 'media',
  audios: 'media',
};

/** What a field of a message means. */
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

export const messageFields: Readonly<Record<string, MessageMeaning>> = {
  role: 'role',
  from: 'role',
  content: 'content',
  value: 'content',
  reasoning_content: 'thought',
  thinking: 'thought',
  reasoning: 'thought',
  thought: 'thought',
  thoughts: 'thought',
  reasoning_text: 'thought',
  reasoning_details: 'thought',
  thinking_blocks: 'thought',
  tool_calls: 'calls',
  function_call: 'calls',
  weight: 'weight',
  loss: 'weight',
  train: 'weight',
  training: 'weight',
  trainable: 'weight',
  loss_weight: 'weight',
  loss_mask: 'weight',
  loss_scale: 'weight',
  ignore: 'ignored',
  ignored: 'ignored',
  ignore_loss: 'ignored',
  masked: 'ignored',
  no_loss: 'ignored',
  mask: 'mask',
  refusal: 'refusal',
  image: 'media',
  images: 'media',
  image_url: 'media',
  video: 'media',
  videos: 'media',
  audio: 'media',
  audios: 'media',
  train_detail: 'span',
  training_detail: 'span',
  name: 'template',
  tool_call_id: 'template',
};

/** The fields that make the shape of a row, by format. */
const shapeFields: Readonly<Record<DataFormat, readonly string[]>> = {
  messages: ['messages', 'conversations', 'conversation', 'dialogue', 'dialog', 'input'],
  sharegpt: ['conversations', 'messages', 'conversation', 'dialogue', 'dialog'],
  qwen: ['conversations', 'messages', 'conversation', 'dialogue', 'dialog'],
  alpaca: ['instruction', 'input', 'output', 'history', 'query', 'response', 'prompt'],
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

/** Which meanings a format can honour or refuse; the others have nothing to say there. */
function meansSomething(format: DataFormat, meaning: RowMeaning): boolean {
  if (format === 'tokenized') return meaning === 'chosen' || meaning === 'rejected';
  // {"text", "label"} is how classification data looks, and a system message has no place in a text.
  if (format === 'text')
    return ['weight', 'chosen', 'rejected', 'media', 'tools', 'thought'].includes(meaning);
  return true;
}

/** What the row's field `name` means in that format and with that value; undefined where nothing. */
export function meaningOf(format: DataFormat, name: string, value: unknown): RowMeaning | undefined {
  if (shapeFields[format].includes(name) || !Object.hasOwn(rowFields, name) || isEmpty(value))
    return undefined;
  const meaning = rowFields[name]!;
  if (meaning === 'label' && labelOf(value) === null) return undefined;
  // A number under "loss" may be a loss that somebody measured, a text under "train" the name of a split.
  if (meaning === 'weight' && !isRowWeight(name, value)) return undefined;
  return meansSomething(format, meaning) ? meaning : undefined;
}

function isRowWeight(name: string, value: unknown): boolean {
  if (typeof value === 'boolean' || Array.isArray(value)) return true;
  const number = typeof value === 'number' || value instanceof Number ? Number(value) : NaN;
  return name === 'loss' || name.startsWith('train') ? number === 0 || number === 1 : !Number.isNaN(number);
}

/** A KTO label: true for a good answer, false for a bad one, null for what is no such label. */
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

/** Fields of the row that nothing reads, such as `id` or `messages[].id`: its own, and those of its messages. */
export function unusedFields(row: Record<string, unknown>, format: DataFormat): string[] {
  const unused: string[] = [];
  for (const name of Object.keys(row)) {
    const value = ownField(row, name);
    if (isEmpty(value)) continue;
    const isShape = shapeFields[format].includes(name);
    if (!isShape && meaningOf(format, name, value) === undefined) unused.push(name);
    if (isShape && Array.isArray(value)) unused.push(...unusedOfMessages(name, value));
  }
  return unused;
}

function unusedOfMessages(field: string, messages: readonly unknown[]): string[] {
  const names = new Set<string>();
  for (const message of messages) {
    if (!isObject(message)) continue;
    const isOther = (name: string) =>
      (name === 'from' && Object.hasOwn(message, 'role')) ||
      (name === 'value' && Object.hasOwn(message, 'content'));
    for (const name of Object.keys(message)) {
      // Of `name` and `tool_call_id` the template says whether they are read.
      const isRead =
        Object.hasOwn(messageFields, name) && messageFields[name] !== 'template' && !isOther(name);
      if (!isRead && !isEmpty(ownField(message, name))) names.add(`${field}[].${name}`);
    }
  }
  return [...names];
}
