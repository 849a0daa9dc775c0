import type { EndToken } from '../../content/data/labels/turnEnd.ts';
import { editJsonObject } from '../../content/formats/jsonEdit.ts';
import { pythonJson, type JsonValue } from '../../content/formats/pythonJson.ts';
import { readJsonObject, readText } from '../../content/formats/text.ts';
import type { Folder } from '../../base/storage/types.ts';

/** The file in which transformers, vLLM and others look for the tokens that end a generation. */
export const generationFile = 'generation_config.json';

/** The planned changes to a model's generation_config.json. */
export interface PlannedEnds {
  /** Its new text; null if it stays unchanged or absent. */
  text: string | null;
  /** End tokens that it did not name before. */
  added: EndToken[];
  /** All end tokens afterwards. */
  ids: number[];
}

/**
 * Adds end tokens to a model's generation_config.json; none is removed, and its other settings keep their text. If
 * there is no such file, one is created from config.json, as transformers would. Throws what reading throws.
 */
export async function planEnds(base: Folder, ends: readonly EndToken[]): Promise<PlannedEnds> {
  if (ends.length === 0) return { text: null, added: [], ids: [] };
  const names = await base.list();
  const config = await readJsonObject(base, 'config.json');
  const fromConfig = idsOf(config.eos_token_id);
  if (!names.includes(generationFile)) {
    const added = missing(ends, fromConfig);
    const ids = [...fromConfig, ...added.map(({ id }) => id)];
    if (added.length === 0) return { text: null, added, ids };
    const settings = generationSettings.flatMap((key) =>
      (config[key] ?? null) === null ? [] : [[key, config[key]]],
    );
    const made = { ...(Object.fromEntries(settings) as Record<string, JsonValue>), eos_token_id: ids };
    return { text: `${pythonJson(made)}\n`, added, ids };
  }
  const own = idsOf((await readJsonObject(base, generationFile)).eos_token_id);
  const added = missing(ends, own);
  // If the file exists, transformers ignores config.json: tokens that only it names would be lost.
  const ids = [...new Set([...(own.length > 0 ? own : fromConfig), ...added.map(({ id }) => id)])];
  if (added.length === 0) return { text: null, added, ids };
  const text = editJsonObject(await readText(base, generationFile), {
    eos_token_id: ids,
    // With this flag, transformers below 5 would use the tokens of config.json instead.
    _from_model_config: undefined,
  });
  return { text, added, ids };
}

/**
 * The settings that transformers takes from config.json if there is no generation_config.json
 * (GenerationConfig.from_model_config).
 */
const generationSettings = [
  'bos_token_id',
  'pad_token_id',
  'decoder_start_token_id',
  'forced_bos_token_id',
  'forced_eos_token_id',
  'max_length',
  'min_length',
  'do_sample',
  'early_stopping',
  'num_beams',
  'num_return_sequences',
  'temperature',
  'top_k',
  'top_p',
  'typical_p',
  'repetition_penalty',
  'length_penalty',
  'bad_words_ids',
  'no_repeat_ngram_size',
  'encoder_no_repeat_ngram_size',
  'exponential_decay_length_penalty',
  'suppress_tokens',
  'begin_suppress_tokens',
  'remove_invalid_values',
  'output_scores',
];

function missing(ends: readonly EndToken[], ids: readonly number[]): EndToken[] {
  return ends.filter(({ id }) => !ids.includes(id));
}

function idsOf(value: unknown): number[] {
  return [value].flat().filter((id): id is number => Number.isInteger(id));
}
