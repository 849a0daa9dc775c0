/** Names of generation settings, and llama.cpp's, which are Ollama's as well. */
const NAMES: Readonly<Record<string, string>> = {
  temperature: 'temperature',
  top_p: 'top_p',
  top_k: 'top_k',
  min_p: 'min_p',
  repetition_penalty: 'repeat_penalty',
};

/**
 * The settings of a generation_config.json by llama.cpp's names. Where a model is not sampled from, only those that count
 * without sampling.
 */
export function samplingSettings(generation: Readonly<Record<string, unknown>>): Record<string, number> {
  const settings: Record<string, number> = {};
  for (const [name, own] of Object.entries(NAMES)) {
    const value = generation[name];
    if (typeof value === 'number' && (samplesBy(generation) || name === 'repetition_penalty'))
      settings[own] = value;
  }
  return settings;
}

/** Whether a model is sampled from, by its generation_config.json. */
export function samplesBy(generation: Readonly<Record<string, unknown>>): boolean {
  return generation.do_sample !== false;
}
