import type { GgufSummary } from '../../../../hosts/browser/protocol.ts';
import { Notice } from '../../controls/Notice.tsx';
import { t } from '../../text/index.ts';

/** What was in the GGUF file that was opened, and what becomes of it. */
export function GgufNotice({ gguf }: { gguf: GgufSummary }) {
  const types = gguf.types.map(({ type }) => type).join(', ');
  return (
    <Notice tone="info">
      <p className="notice__what">{t('model.gguf', { types })}</p>
      <p>{t(gguf.unpacked ? 'model.ggufUnpacked' : 'model.ggufPlain')}</p>
    </Notice>
  );
}
