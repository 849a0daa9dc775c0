import type { ExportKind, GgufTarget, UseTarget } from '../../../../hosts/browser/protocol.ts';
import { useStudio } from '../../../store/index.ts';
import { ggufUsage, usageOf, vllmRefuses } from '../../../store/usage.ts';
import { CopyButton, Notice } from '../../controls/Notice.tsx';
import { t } from '../../text/index.ts';

interface CommandsProps {
  use: Exclude<UseTarget, GgufTarget>;
  kind: ExportKind;
  /** The repo it was pushed to; by default it is a folder. */
  repo?: string;
}

/** What to run with a GGUF file. */
export function GgufCommands({ use }: { use: GgufTarget }) {
  const facts = useStudio((state) => state.exporting.usage?.merged);
  const isLora = useStudio((state) => state.exportChoices.gguf.form === 'lora');
  if (!facts) return <div />;
  return (
    <section className="commands" aria-label={t('use.commands.gguf')}>
      <h3>{t(use === 'ollama' || use === 'chat' ? 'use.commandsFolder' : 'use.commandsGguf')}</h3>
      {ggufUsage(use, facts, isLora).map(({ code }) => (
        <Command key={code} code={code} />
      ))}
      {isLora && <p className="remark">{t('use.loraBase')}</p>}
      {use === 'chat' && <p className="remark">{t('use.chatAddress')}</p>}
      {use === 'lmstudio' && <p className="remark">{t('use.lmstudioFolder')}</p>}
    </section>
  );
}

function Command({ code, file }: { code: string; file?: string }) {
  return (
    <div className="command">
      {file !== undefined && <p className="command__file">{t('use.file', { file })}</p>}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so it must take the focus */}
      <pre tabIndex={0}>
        <code>{code}</code>
      </pre>
      <CopyButton text={code} label={t('chat.copy')} />
    </div>
  );
}

/** What to run with the exported files: the same as in their README.md. */
export function Commands({ use, kind, repo }: CommandsProps) {
  const known = useStudio((state) => state.exporting.usage?.[kind]);
  if (!known) return <div />;
  const facts = repo === undefined ? known : { ...known, repo };
  const refused = use === 'vllm' && kind === 'adapter' ? vllmRefuses(facts) : null;
  return (
    <section className="commands" aria-label={t(`use.commands.${kind}`)}>
      <h3>{t(repo === undefined ? 'use.commands' : 'use.commandsHub')}</h3>
      {refused ? (
        <Notice tone="warning">{t(`use.vllmRefuses.${refused}`, { rank: facts.rank ?? 0 })}</Notice>
      ) : (
        usageOf(use, kind, facts).map(({ file, code }) => (
          <Command key={code} code={code} {...(file !== undefined && { file })} />
        ))
      )}
      {facts.base.repo === null && kind === 'adapter' && <p className="remark">{t('use.basePath')}</p>}
      {repo === undefined && !refused && <p className="remark">{t('use.readme')}</p>}
    </section>
  );
}
