import type { ChatAuthor } from '../../../../hosts/browser/projectsProtocol.ts';
import { t } from '../../text/index.ts';

/** What gave an answer, in words. @param model the open model's name: another one's is added */
export function authorText({ model: of, kind, name, step }: ChatAuthor, model: string): string {
  const who =
    kind === 'base'
      ? t('try.base')
      : kind === 'checkpoint'
        ? (name ?? '')
        : name === undefined
          ? t('try.tuned')
          : t('chat.by.opened', { name });
  const author = step === undefined ? who : t('chat.by.step', { name: who, step });
  return of === model || of === '' ? author : t('chat.by.model', { author, model: of });
}
