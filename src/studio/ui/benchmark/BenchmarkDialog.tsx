import { Button, Dialog, DialogTrigger, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { benchmarkExtents } from '../../store/benchmark.ts';
import { useStudio } from '../../store/index.ts';
import { busyWith, isBenchmarking } from '../../store/state.ts';
import { CopyButton, ErrorNotice, Notice } from '../controls/Notice.tsx';
import { Icon } from '../controls/Icon.tsx';
import { ProgressLine } from '../controls/ProgressLine.tsx';
import { SelectInput } from '../controls/SelectInput.tsx';
import { t } from '../text/index.ts';
import { BenchmarkResult } from './BenchmarkResult.tsx';

/** The button *Benchmark this device* and its dialog. Closing it stops a running benchmark. */
export function BenchmarkDialog() {
  const stop = useStudio((state) => state.stopBenchmark);
  return (
    <DialogTrigger
      onOpenChange={(open) => {
        if (!open) void stop();
      }}
    >
      <Button className="button button--small">
        <Icon name="gauge" />
        {t('benchmark.open')}
      </Button>
      <ModalOverlay className="overlay overlay--scroll">
        <Modal className="modal modal--wide">
          <Dialog className="dialog">{({ close }) => <Content onClose={close} />}</Dialog>
        </Modal>
      </ModalOverlay>
    </DialogTrigger>
  );
}

function Content({ onClose }: { onClose: () => void }) {
  const { result, error } = useStudio((state) => state.benchmark);
  const dismiss = useStudio((state) => state.dismissBenchmarkError);
  const description = useStudio((state) => state.device.report?.description);
  return (
    <>
      <Heading slot="title">{t('benchmark.open')}</Heading>
      <p className="benchmark__lead">
        {t('benchmark.lead', { adapter: description || t('device.unnamed') })}
      </p>
      <Controls />
      <ErrorNotice error={error} onDismiss={dismiss} />
      {result && <BenchmarkResult result={result} />}
      <div className="row row--end">
        {result && <CopyButton text={JSON.stringify(result, null, 2)} label={t('benchmark.copyJson')} />}
        <Button className="button button--small" onPress={onClose}>
          {t('benchmark.close')}
        </Button>
      </div>
    </>
  );
}

/** The extent to measure, or the progress, and a single start/stop button, which retains the focus. */
function Controls() {
  const { status, extent, progress, result } = useStudio((state) => state.benchmark);
  const running = useStudio(isBenchmarking);
  const busy = useStudio(busyWith);
  const choose = useStudio((state) => state.chooseBenchmark);
  const run = useStudio((state) => state.runBenchmark);
  const stop = useStudio((state) => state.stopBenchmark);
  const startLabel = result ? 'benchmark.again' : 'benchmark.start';
  return (
    <>
      <div className="benchmark__controls" data-running={running}>
        {running ? (
          <ProgressLine
            label={t('benchmark.running')}
            progress={progress}
            note={progress?.phase ? t(`phase.${progress.phase}`) : progress?.subject}
          />
        ) : (
          <SelectInput
            label={t('benchmark.extent')}
            value={extent}
            options={benchmarkExtents.map((value) => ({ value, label: t(`benchmark.extent.${value}`) }))}
            onChange={choose}
          />
        )}
        <Button
          className={running ? 'button' : 'button button--primary'}
          isDisabled={busy !== null && !running}
          onPress={() => void (running ? stop() : run())}
        >
          {running && <Icon name="stop" />}
          {t(status === 'stopping' ? 'benchmark.stopping' : running ? 'benchmark.stop' : startLabel)}
        </Button>
      </div>
      <p className="remark">{t(running ? 'benchmark.calm' : `benchmark.extentHelp.${extent}`)}</p>
      {busy && !running && (
        <Notice tone="info">
          <p>{t(busy === 'train' ? 'benchmark.whileTraining' : 'benchmark.whileBusy')}</p>
        </Notice>
      )}
    </>
  );
}
