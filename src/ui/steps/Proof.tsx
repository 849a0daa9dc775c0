import type { MergeProof } from '../../workers/protocol.ts';
import { Icon } from '../controls/Icon.tsx';
import { formatBytes, formatCount } from '../format.ts';
import { t } from '../text/index.ts';

/** What reading the merged model back has shown, in words and numbers. */
export function Proof({ proof }: { proof: MergeProof }) {
  const { tensors, changedTensors, bytes, maxLogitDifference, allowedLogitDifference } = proof;
  return (
    <div className="proof">
      <span className="proof__seal" aria-hidden="true">
        <Icon name="check" size={20} />
      </span>
      <div>
        <h4>{t('proof.passed')}</h4>
        <p>
          {t('proof.tensors', {
            n: tensors,
            bytes: formatBytes(bytes),
            changed: formatCount(changedTensors),
          })}
        </p>
        <p>
          {t('proof.logits', {
            difference: scientific(maxLogitDifference),
            allowed: scientific(allowedLogitDifference),
          })}
        </p>
      </div>
    </div>
  );
}

function scientific(value: number): string {
  return value === 0 ? '0' : value.toExponential(1);
}
