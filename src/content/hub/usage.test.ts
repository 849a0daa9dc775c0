import { describe, expect, it } from 'vitest';
import { usageOf, useTargets, vllmRefuses, type UsageFacts } from './usage.ts';
import { usageText } from './usageText.ts';

const facts: UsageFacts = {
  name: 'zip-adapter',
  repo: null,
  base: { repo: 'org/base', commit: 'c0ffee', name: 'base' },
  endIds: [],
  chat: true,
  rank: 8,
  savesModules: false,
};
const merged: UsageFacts = { ...facts, name: 'zip-merged', rank: null };
const code = (...args: Parameters<typeof usageOf>) =>
  usageOf(...args)
    .map((block) => block.code)
    .join('\n');

describe('the commands', () => {
  it('of PEFT load the adapter onto its base at its commit', () => {
    const text = code('peft', 'adapter', facts);
    expect(text).toContain('pip install torch transformers accelerate peft\n');
    expect(text).toContain('from_pretrained("org/base", revision="c0ffee", dtype="auto", device_map="auto")');
    expect(text).toContain('PeftModel.from_pretrained(base, "./zip-adapter")');
    expect(text).toContain('apply_chat_template(');
    expect(text).not.toContain('eos_token_id');
    expect(code('peft', 'adapter', { ...facts, endIds: [1, 7] })).toContain(
      '\nmodel.generation_config.eos_token_id = [1, 7]\n',
    );
  });

  it('of transformers load the merged model alone; without a template it continues a text', () => {
    const text = code('transformers', 'merged', { ...merged, chat: false });
    expect(text).toContain('AutoModelForCausalLM.from_pretrained("./zip-merged", dtype="auto"');
    expect(text).not.toMatch(/peft|chat_template|revision/);
    expect(text).toContain('tokenizer("Hello!", return_tensors="pt")');
  });

  it('of vLLM serve either; ranks beyond its default are reserved', () => {
    const serve = (rank: number) => code('vllm', 'adapter', { ...facts, rank });
    expect(serve(16)).toContain(
      'vllm serve org/base --revision c0ffee --enable-lora --lora-modules zip-adapter=./zip-adapter\n',
    );
    expect(serve(17)).toContain('--enable-lora --max-lora-rank 32 --lora-modules');
    expect(serve(512)).toContain('--max-lora-rank 512');
    expect(code('vllm', 'merged', merged)).toContain(
      'vllm serve ./zip-merged --served-model-name zip-merged\n',
    );
    const body = /-d '(.*)'/.exec(code('vllm', 'adapter', { ...facts, endIds: [7] }))![1]!;
    expect(JSON.parse(body)).toMatchObject({ model: 'zip-adapter', stop_token_ids: [7], max_tokens: 128 });
    expect(code('vllm', 'merged', { ...merged, chat: false })).toContain('/v1/completions');
  });

  it('say where vLLM takes no adapter', () => {
    expect(vllmRefuses(facts)).toBeNull();
    expect(vllmRefuses({ ...facts, savesModules: true })).toBe('savedModules');
    expect(vllmRefuses({ ...facts, rank: 513 })).toBe('rank');
  });

  it('for GGUF convert the merged model with llama.cpp', () => {
    for (const target of ['llamacpp', 'ollama', 'lmstudio'] as const) {
      expect(code(target, 'merged', merged)).toContain(
        'python llama.cpp/convert_hf_to_gguf.py ./zip-merged --outfile zip-merged.gguf --outtype auto',
      );
    }
    expect(code('llamacpp', 'merged', merged)).toContain('llama-server -m zip-merged.gguf');
    expect(usageOf('ollama', 'merged', merged)[1]).toEqual({
      language: 'text',
      file: 'Modelfile',
      code: 'FROM ./zip-merged.gguf',
    });
    expect(code('lmstudio', 'merged', merged)).toContain('lms import zip-merged.gguf');
  });

  it('of a pushed model name its repo', () => {
    const pushed = { ...merged, repo: 'me/zip' };
    expect(code('hub', 'merged', pushed)).toContain('from_pretrained("me/zip", dtype');
    expect(code('llamacpp', 'merged', pushed)).toContain('hf download me/zip --local-dir ./zip-merged\n');
  });

  it('quote names of others', () => {
    const name = `a'b; rm "x"`;
    const text = code('llamacpp', 'merged', { ...merged, name });
    expect(text).toContain(`convert_hf_to_gguf.py './a'\\''b; rm "x"' --outfile a-b-rm-x.gguf`);
    const base = { repo: null, commit: null, name };
    expect(code('peft', 'adapter', { ...facts, base })).toContain(
      'from_pretrained("path/to/a\'b; rm \\"x\\"", dtype',
    );
    expect(code('vllm', 'adapter', { ...facts, base })).toContain(
      `vllm serve 'path/to/a'\\''b; rm "x"' --enable-lora`,
    );
  });
});

describe('the chapter of a model card', () => {
  it('has the same commands as the page, for all that takes such an export', () => {
    const text = usageText('merged', merged, false);
    for (const target of useTargets.filter((one) => one !== 'peft' && one !== 'hub' && one !== 'chat'))
      for (const block of usageOf(target, 'merged', merged)) expect(text).toContain(block.code);
    expect(usageText('adapter', facts, false)).toContain('### PEFT');
    expect(usageText('adapter', facts, false)).not.toContain('gguf');
  });

  it('says what does not take it', () => {
    expect(usageText('merged', merged, true)).not.toContain('convert_hf_to_gguf');
    expect(usageText('merged', merged, true)).toContain('export the merged model again with 16-bit weights');
    expect(usageText('adapter', { ...facts, savesModules: true }, false)).toContain(
      'vLLM does not serve modules',
    );
  });
});
