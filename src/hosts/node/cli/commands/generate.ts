import { checkPrompt } from '../../../../engine/infer/generate.ts';
import { command } from '../command.ts';
import { checkHubAccess } from '../hubAccess.ts';
import { flag, json, number, required } from '../options.ts';
import { adapterOption, modelOptions, quantOptions, weightsOf } from '../commonOptions.ts';
import { withText } from '../../withText.ts';
import { openModelOf, readAdapterOf, withSession } from '../withSession.ts';
import { printExact } from '../terminal.ts';

export const generate = command(
  'generate',
  'Prints the model’s answer to a user message and nothing else. The chat template puts the message in, and the answer ends where that ends a turn; --raw continues the prompt as plain text, and an empty prompt starts from BOS.',
  {
    ...modelOptions,
    adapter: adapterOption,
    ...quantOptions,
    prompt: required('Sampling', 'TEXT', 'The user message.'),
    raw: flag('Sampling', 'Continues the prompt as plain text.'),
    templateArgs: json('Sampling', 'Variables for the chat template, such as {"enable_thinking": false}.'),
    maxNewTokens: number('Sampling', null, { min: 1, integer: true }, 'The most tokens of the answer.'),
    temperature: number('Sampling', 0, { min: 0 }, '0 always takes the likeliest token.'),
    topK: number(
      'Sampling',
      0,
      { min: 0, integer: true },
      'Samples from this many likeliest tokens; 0 from all.',
    ),
    topP: number(
      'Sampling',
      1,
      { min: 0, max: 1 },
      'Samples from the likeliest tokens that add up to this share.',
    ),
    repetitionPenalty: number(
      'Sampling',
      1,
      { min: 0.01 },
      'Makes tokens that the text has already less likely; 1 changes nothing.',
    ),
    seed: number('Sampling', 0, { min: 0, max: 0xffffffff, integer: true }, 'Of the samples.'),
  },
  async (options, usage) => {
    const { prompt } = options;
    checkHubAccess(options, usage, [options.model]);
    await withSession(async (session) => {
      const { files } = await openModelOf(session, options);
      const adapter = await readAdapterOf(session, options.adapter);
      // What is wrong with the input shows before the GPU is opened.
      const asText = options.raw || prompt === '';
      const { templateArgs } = options;
      const chat = { kind: 'chat', messages: [{ role: 'user', content: prompt }] } as const;
      const { ids, endIds } = await withText(
        files.folder,
        (text) =>
          text.prompt(
            asText ? { kind: 'text', text: prompt } : { ...chat, ...(templateArgs && { templateArgs }) },
          ),
        files.spec.vocabSize,
      );
      checkPrompt(files.spec, ids);
      if (adapter) await session.useAdapter(adapter);
      const { maxNewTokens, temperature, topK, topP, repetitionPenalty, seed } = options;
      const { text } = await session.generate(ids, {
        maxNewTokens,
        temperature,
        topK,
        topP,
        repetitionPenalty,
        seed,
        weights: weightsOf(options),
        endIds,
        keepLeadingSpace: asText && prompt !== '',
      });
      printExact(text);
    });
  },
);
