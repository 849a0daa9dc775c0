import { checkIdsFit, checkTokenizerFits, loadTokenizer } from '../../data/tokenizer.ts';
import { stopIds } from '../../data/turnEnd.ts';
import { answer, chatPrompt, textPrompt } from '../../infer/answer.ts';
import { checkPrompt } from '../../infer/generate.ts';
import { GraftError } from '../../lib/errors.ts';
import { loadAdapter } from '../../model/adapterFiles.ts';
import { withoutAdapter, type AdapterUse } from '../../model/decoder.ts';
import { activationType, openDecoder } from '../../model/openDecoder.ts';
import { derivedFor } from '../derivedCache.ts';
import { modelChoice, modelFlags, modelOptions } from '../hubModel.ts';
import { Options, quantizeOption } from '../options.ts';
import { openAdapterAt, openModelAt, withGpu } from '../session.ts';

export const usage =
  'generate --model DIR [--adapter DIR] --prompt TEXT --max-new-tokens N [--temperature T] [--top-k K] [--top-p P] ' +
  '[--seed N] [--raw] [--template-args JSON] [--dtype f32|f16] [--quant none|nf4] [--double-quant]';

/**
 * Prints the model's answer and nothing else. The prompt is a person's message, put in by the model's chat
 * template, and the answer ends where that ends a turn; with --raw it is a text to be continued, to EOS; empty, the text
 * starts from BOS.
 */
export async function run(args: string[]): Promise<void> {
  const names = [
    ...modelOptions,
    'adapter',
    'prompt',
    'max-new-tokens',
    'temperature',
    'top-k',
    'top-p',
    'seed',
    'dtype',
    'quant',
    'template-args',
  ];
  const options = new Options(args, usage, names, ['raw', 'double-quant', ...modelFlags]);
  const model = modelChoice(options, usage);
  const prompt = options.required('prompt');
  const dtype = options.choice('dtype', ['f32', 'f16']);
  const quantize = quantizeOption(options);
  const templateArgs = options.object('template-args');
  const sampling = {
    maxNewTokens: options.number('max-new-tokens', null, { min: 1, integer: true }),
    temperature: options.number('temperature', 0, { min: 0 }),
    topK: options.number('top-k', 0, { min: 0, integer: true }),
    topP: options.number('top-p', 1, { min: 0, max: 1 }),
    seed: options.number('seed', 0, { min: 0, max: 0xffffffff, integer: true }),
  };
  const files = await openModelAt(model);
  const { spec } = files;
  const peft = await openAdapterAt(files, options.optional('adapter'));
  // Everything that can be wrong with the input is told before the GPU is opened.
  const tokenizer = await loadTokenizer(files.folder);
  if (!tokenizer) throw new GraftError('infer.no_tokenizer');
  checkTokenizerFits(tokenizer, spec.vocabSize);
  const asText = options.flag('raw') || prompt === '';
  const ids = asText
    ? textPrompt(tokenizer, prompt)
    : chatPrompt(tokenizer, [{ role: 'user', content: prompt }], templateArgs);
  checkIdsFit(tokenizer, ids, spec.vocabSize);
  checkPrompt(spec, ids);
  const endIds = asText ? tokenizer.eosIds : stopIds(tokenizer);
  await withGpu(async (gpu) => {
    const decoder = await openDecoder(gpu, files, activationType(gpu, dtype), {
      quantize,
      derived: derivedFor(model),
    });
    const adapter = peft && (await loadAdapter(gpu, spec, peft));
    const use: AdapterUse = adapter ? { adapter, strength: 1, dropout: null } : withoutAdapter;
    const keepLeadingSpace = asText && prompt !== '';
    const { text } = await answer(decoder, use, tokenizer, ids, { ...sampling, endIds, keepLeadingSpace });
    console.log(text);
  });
}
