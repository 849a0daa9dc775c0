import type { DecodingSpeed, DeviceBenchmark, StepSpeed } from '../../../hosts/browser/protocol.ts';
import { Fact, Facts } from '../controls/Facts.tsx';
import { formatBytes, formatCount } from '../format.ts';
import { t } from '../text/index.ts';
import { formatRate, formatTime } from './figures.ts';
import { KernelTable } from './KernelTable.tsx';

/** Results for a device: ceilings, training steps, kernels. */
export function BenchmarkResult({ result }: { result: DeviceBenchmark }) {
  const { ceilings, steps, decoding, transfers, shapes, kernels, submitSeconds, skipped } = result;
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
          <StepFacts key={`${step.name} ${step.method} ${step.tokens}`} step={step} />
        ))}
      </section>
      {decoding.length > 0 && (
        <section className="benchmark__part">
          <h3>{t('benchmark.decoding')}</h3>
          {decoding.map((one) => (
            <DecodingFacts key={`${one.name} ${one.weights}`} speed={one} />
          ))}
        </section>
      )}
      {transfers && (
        <section className="benchmark__part">
          <h3>{t('benchmark.transfers')}</h3>
          <Facts>
            <Fact name={t('benchmark.upload')}>{formatRate(transfers.ring, 'B/s')}</Fact>
            <Fact name={t('benchmark.write')}>{formatRate(transfers.write, 'B/s')}</Fact>
            <Fact name={t('benchmark.download')}>{formatRate(transfers.read, 'B/s')}</Fact>
          </Facts>
        </section>
      )}
      {shapes.map(({ name, tokens }) => (
        <section className="benchmark__part" key={name}>
          <div className="card-title">
            <h3>{t('benchmark.kernels')}</h3>
            <p>{t('benchmark.kernelsAt', { name, tokens })}</p>
          </div>
          <KernelTable kernels={kernels.filter(({ of }) => of === name)} />
        </section>
      ))}
      <p className="remark">
        {t('benchmark.shareHelp')} {t('benchmark.layoutHelp')}
      </p>
      {skipped.length > 0 && <p className="remark">{t('benchmark.skipped', { count: skipped.length })}</p>}
    </div>
  );
}

function DecodingFacts({ speed }: { speed: DecodingSpeed }) {
  const { weights, layers, hidden, promptTokens, promptSeconds, tokensPerSecond } = speed;
  return (
    <>
      <p className="remark">
        {t('benchmark.answer', { weights: weights.toUpperCase(), layers, hidden, tokens: promptTokens })}
      </p>
      <Facts>
        <Fact name={t('benchmark.tokensPerSecond')}>{formatCount(tokensPerSecond)}</Fact>
        <Fact name={t('benchmark.prompt')}>{formatTime(promptSeconds)}</Fact>
      </Facts>
    </>
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
