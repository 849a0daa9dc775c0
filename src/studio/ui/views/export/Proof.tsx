import type { MergeLosses, MergeProof } from '../../../../hosts/browser/protocol.ts';
import { Icon } from '../../controls/Icon.tsx';
import { formatBytes, formatCount, formatLoss, formatSmall } from '../../format.ts';
import { t } from '../../text/index.ts';

/** The verification of the merged model, in words and numbers. */
export function Proof({ proof, losses }: { proof: MergeProof; losses: MergeLosses | null }) {
  const { tensors, changedTensors, convertedTensors, otherTensors, ignoredTensors, bytes, addedEnds } = proof;
  const { maxLogitDifference, allowedLogitDifference, quantizationLogitDifference } = proof;
  return (
    <div className="proof">
      <span className="proof__seal" aria-hidden="true">
        <Icon name="check" size={20} />
      </span>
      <div>
        <h4>{t('proof.passed')}</h4>
        <p>
          {t(convertedTensors > 0 ? 'proof.converted' : 'proof.tensors', {
            n: tensors,
            bytes: formatBytes(bytes),
            changed: formatCount(changedTensors),
            converted: formatCount(convertedTensors),
          })}
        </p>
        {otherTensors > 0 && <p>{t('proof.others', { n: otherTensors })}</p>}
        {ignoredTensors > 0 && <p>{t('proof.ignored', { n: ignoredTensors })}</p>}
        <p>
          {t(quantizationLogitDifference === null ? 'proof.logits' : 'proof.nf4', {
            difference: scientific(maxLogitDifference),
            allowed: scientific(allowedLogitDifference),
            quantization: formatSmall(quantizationLogitDifference ?? 0),
          })}
        </p>
        {addedEnds.length > 0 && (
          <p>
            {t('proof.addedEnds', { ends: addedEnds.map(({ id, token }) => `${token} (${id})`).join(', ') })}
          </p>
        )}
        {losses && (
          <p>
            {t(losses.original === null ? 'proof.lossDequantized' : 'proof.losses', {
              original: formatLoss(losses.original ?? NaN),
              dequantized: formatLoss(losses.dequantized),
            })}
          </p>
        )}
      </div>
    </div>
  );
}

function scientific(value: number): string {
  return value === 0 ? '0' : value.toExponential(1);
}
