import {
  kindsOfTarget,
  needsGguf,
  usageOf,
  useTargets,
  vllmRefuses,
  type ExportKind,
  type UsageFacts,
  type UseTarget,
} from './usage.ts';

/** What a model card tells of: not the Hub, where it is itself, nor a page that Graft alone makes. */
type CardTarget = Exclude<UseTarget, 'hub' | 'chat'>;

const titles: Record<CardTarget, string> = {
  transformers: 'transformers',
  peft: 'PEFT',
  vllm: 'vLLM',
  llamacpp: 'llama.cpp',
  ollama: 'Ollama',
  lmstudio: 'LM Studio',
};

/**
 * The chapter of a model card on how the model is used, as Markdown: the commands that the page shows, too.
 * @param quantized whether its weights are stored in 4 bits, which llama.cpp does not convert
 */
export function usageText(kind: ExportKind, facts: UsageFacts, quantized: boolean): string {
  const targets = useTargets.filter(
    (target): target is CardTarget =>
      target !== 'hub' &&
      target !== 'chat' &&
      kindsOfTarget[target].includes(kind) &&
      !(quantized && needsGguf(target)),
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

function section(target: CardTarget, kind: ExportKind, facts: UsageFacts): string[] {
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
