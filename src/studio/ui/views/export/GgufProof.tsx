import type { GgufProof as Measured } from '../../../../hosts/browser/protocol.ts';
import { Icon } from '../../controls/Icon.tsx';
import { formatBytes } from '../../format.ts';
import { t } from '../../text/index.ts';
import { typesText } from './GgufChoice.tsx';

/** The verification of a GGUF file, in words and numbers. */
export function GgufProof({ proof }: { proof: Measured }) {
  const { tensors, bytes, types, largestError } = proof;
  return (
    <div className="proof">
      <span className="proof__seal" aria-hidden="true">
        <Icon name="check" size={20} />
      </span>
      <div>
        <h4>{t('proof.passed')}</h4>
        <p>
          {t('gguf.proof', {
            n: tensors,
            bytes: formatBytes(bytes),
            types: typesText(types),
            error: (100 * largestError).toPrecision(2),
          })}
        </p>
      </div>
    </div>
  );
}
