import {
  kindsOfTarget,
  usageOf,
  useTargets,
  vllmRefuses,
  type ExportKind,
  type UsageFacts,
  type UseTarget,
} from './usage.ts';

/** Titles in a model card; the Hub is where the card itself is. */
const titles: Record<Exclude<UseTarget, 'hub'>, string> = {
  transformers: 'transformers',
  peft: 'PEFT',
  vllm: 'vLLM',
  llamacpp: 'llama.cpp',
  ollama: 'Ollama',
  lmstudio: 'LM Studio',
};

/** Those that need a GGUF file, which is converted from the merged model. */
const ggufTargets: readonly UseTarget[] = ['llamacpp', 'ollama', 'lmstudio'];

/**
 * The chapter of a model card on how the model is used, as Markdown: the commands that the page shows, too.
 * @param quantized whether its weights are stored in 4 bits, which llama.cpp does not convert
 */
export function usageText(kind: ExportKind, facts: UsageFacts, quantized: boolean): string {
  const targets = useTargets.filter(
    (target): target is Exclude<UseTarget, 'hub'> =>
      target !== 'hub' &&
      kindsOfTarget[target].includes(kind) &&
      !(quantized && ggufTargets.includes(target)),
  );
  return [
    '## Usage\n',
    facts.repo === null ? 'Run these beside the folder.\n' : '',
    ...targets.flatMap((target) => [`### ${titles[target]}\n`, ...section(target, kind, facts)]),
    ...(quantized && kind === 'merged'
      ? ['For llama.cpp, Ollama and LM Studio export the merged model again with 16-bit weights.\n']
      : []),
  ]
    .filter((line) => line !== '')
    .join('\n');
}

function section(target: UseTarget, kind: ExportKind, facts: UsageFacts): string[] {
  const refused = target === 'vllm' && kind === 'adapter' ? vllmRefuses(facts) : null;
  if (refused) {
    const why =
      refused === 'savedModules'
        ? 'modules that were trained in full (`modules_to_save`)'
        : `adapters of rank ${facts.rank}`;
    return [`vLLM does not serve ${why}: export the merged model for it.\n`];
  }
  return usageOf(target, kind, facts).flatMap(({ language, file, code }) => [
    ...(file === undefined ? [] : [`As \`${file}\`:\n`]),
    `\`\`\`${language}\n${code}\n\`\`\`\n`,
  ]);
}
