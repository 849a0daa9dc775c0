import { Button } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { fitOf } from '../../../store/memory.ts';
import { isTraining } from '../../../store/state.ts';
import type { FitProposal, PlannedRun } from '../../../../hosts/browser/protocol.ts';
import { formatBytes } from '../../format.ts';
import { t } from '../../text/index.ts';

/** If a recipe exceeds the available memory: by how much, and what to change, the mildest first. */
export function MemoryAdvice({ plan, budget }: { plan: PlannedRun; budget: number | null }) {
  const advice = useStudio((state) => state.memory.advice);
  const maxBinding = useStudio((state) => state.device.report?.maxBindingBytes ?? null);
  const fit = fitOf(plan, budget, maxBinding);
  if (!advice || (fit !== 'over' && fit !== 'refused')) return null;
  const { proposals, fits, total } = advice;
  const canChange = proposals.some(({ status }) => status === 'change');
  return (
    <div className="advice">
      <p className="advice__what">
        {fit === 'refused'
          ? t('memory.refused', {
              label: plan.largestBinding.label,
              bytes: formatBytes(plan.largestBinding.bytes),
              max: formatBytes(maxBinding ?? NaN),
            })
          : t('memory.over', { excess: formatBytes(plan.total - (budget ?? 0)) })}
      </p>
      <ol className="advice__list">
        {proposals.map((proposal, index) => (
          <Proposal key={proposal.kind} proposal={proposal} before={proposals.slice(0, index)} />
        ))}
      </ol>
      <p>
        {fits
          ? t('memory.enough', { total: formatBytes(total) })
          : t(canChange ? 'memory.notEnough' : 'memory.nothingHelps', { total: formatBytes(total) })}
      </p>
    </div>
  );
}

function Proposal({ proposal, before }: { proposal: FitProposal; before: readonly FitProposal[] }) {
  const setFields = useStudio((state) => state.setFields);
  const disabled = useStudio(isTraining);
  const onData = useStudio((state) => state.memory.onData);
  const { status, settings, total, cutRows } = proposal;
  const change = describe(proposal);
  // Its bytes assume the proposals before it, so it applies them too.
  const alone = before.every((other) => other.status !== 'change');
  const apply = () =>
    setFields(Object.assign({}, ...before.map((other) => other.settings), settings) as typeof settings);
  return (
    <li className="proposal" data-status={status}>
      <span className="proposal__what">
        {change}
        {settings.max_length !== undefined && (
          <span className="proposal__cut">{cutText(onData, cutRows)}</span>
        )}
      </span>
      {status !== 'change' && <span className="proposal__then">{t(`memory.proposal.${status}`)}</span>}
      {status === 'change' && (
        <>
          <span className="proposal__then">{t('memory.then', { total: formatBytes(total) })}</span>
          <Button
            className="button button--small"
            isDisabled={disabled}
            aria-label={t(alone ? 'memory.applyName' : 'memory.applyUpToName', { change })}
            onPress={apply}
          >
            {t(alone ? 'memory.apply' : 'memory.applyUpTo')}
          </Button>
        </>
      )}
    </li>
  );
}

function cutText(onData: boolean, rows: number): string {
  if (!onData) return t('memory.cutUnknown');
  return rows > 0 ? t('memory.cut', { n: rows }) : t('memory.cutNone');
}

function describe({ kind, settings }: FitProposal): string {
  const { batch_size: batch = 0, grad_accum: accum = 0, max_length: length = 0 } = settings;
  const { double_quant, head, kept_inputs: kept } = settings;
  if (kind === 'four_bits') {
    return t(double_quant ? 'memory.propose.four_bits_nested' : 'memory.propose.four_bits');
  }
  if (kind === 'head') return t(head === 'nf4' ? 'memory.propose.head_nf4' : 'memory.propose.head_8bit');
  if (kind === 'kept_inputs')
    return t(kept === '8bit' ? 'memory.propose.kept_8bit' : 'memory.propose.kept_f16');
  return t(`memory.propose.${kind}`, { batch, accum, length });
}
