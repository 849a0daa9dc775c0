import type { DeviceBenchmark, StepSpeed } from '../../workers/protocol.ts';
import { Fact, Facts } from '../controls/Facts.tsx';
import { formatBytes, formatCount } from '../format.ts';
import { t } from '../text/index.ts';
import { formatRate, formatTime } from './figures.ts';
import { KernelTable } from './KernelTable.tsx';

/** The figures of a device: ceilings, training steps, kernels. */
export function BenchmarkResult({ result }: { result: DeviceBenchmark }) {
  const { ceilings, steps, kernels, shapes, submitSeconds } = result;
  return (
    <div className="benchmark__result">
      <section className="benchmark__part">
        <h3>{t('benchmark.ceilings')}</h3>
        <Facts>
          <Fact name={t('benchmark.multiplyAdd')}>
            {formatRate(ceilings.multiplyAdd.flopsPerSecond, 'FLOP/s')}
          </Fact>
          <Fact name={t('benchmark.copy')}>{formatRate(ceilings.copy.bytesPerSecond, 'B/s')}</Fact>
          <Fact name={t('benchmark.bufferCopy')}>
            {formatRate(ceilings.bufferCopy.bytesPerSecond, 'B/s')}
          </Fact>
          <Fact name={t('benchmark.submit')}>{formatTime(submitSeconds)}</Fact>
        </Facts>
      </section>
      <section className="benchmark__part">
        <h3>{t('benchmark.steps')}</h3>
        {steps.map((step) => (
          <StepFacts key={step.name} step={step} />
        ))}
      </section>
      <section className="benchmark__part">
        <div className="card-title">
          <h3>{t('benchmark.kernels')}</h3>
          <p>{t('benchmark.kernelsAt', { name: shapes.name, tokens: shapes.tokens })}</p>
        </div>
        <KernelTable kernels={kernels} />
        <p className="remark">
          {t('benchmark.shareHelp')} {t('benchmark.layoutHelp')}
        </p>
      </section>
    </div>
  );
}

function StepFacts({ step }: { step: StepSpeed }) {
  const { method, rank, layers, hidden, tokens } = step;
  return (
    <>
      <p className="remark">
        {t('benchmark.step', { method: t(`benchmark.method.${method}`), rank, layers, hidden, tokens })}
      </p>
      <Facts>
        <Fact name={t('benchmark.tokensPerSecond')}>{formatCount(step.tokensPerSecond)}</Fact>
        <Fact name={t('benchmark.stepTime')}>{formatTime(step.seconds)}</Fact>
        <Fact name={t('benchmark.dispatches')}>{formatCount(step.dispatches)}</Fact>
        <Fact name={t('benchmark.peak')}>{formatBytes(step.peakBytes)}</Fact>
        <Fact name={t('benchmark.firstStep')}>{formatTime(step.secondsToFirstStep)}</Fact>
      </Facts>
    </>
  );
}
