import { useEffect } from 'react';
import { Button } from 'react-aria-components';
import { useStudio } from '../store/index.ts';
import type { DeviceState } from '../store/device.ts';
import { busyWith } from '../store/state.ts';
import { BenchmarkDialog } from './benchmark/BenchmarkDialog.tsx';
import { ErrorNotice, Notice } from './controls/Notice.tsx';
import { formatBytes } from './format.ts';
import { GpuMemoryField } from './GpuMemoryField.tsx';
import { t, type TextKey } from './text/index.ts';

/** What this is, in two sentences, and whether it works here. */
export function Intro() {
  const device = useStudio((state) => state.device);
  const checkDevice = useStudio((state) => state.checkDevice);
  useEffect(() => void checkDevice(), [checkDevice]);
  return (
    <section className="intro">
      <h1>{t('intro.title')}</h1>
      <p className="intro__promise">{t('intro.promise')}</p>
      {device.status === 'ready' && <Example />}
      <section
        className="device"
        data-status={device.status}
        aria-live="polite"
        aria-label={t('device.label')}
      >
        <DeviceLine device={device} />
      </section>
      {device.status === 'ready' && (
        <div className="intro__machine">
          <GpuMemoryField />
          <BenchmarkDialog />
        </div>
      )}
      {(device.status === 'failed' || device.status === 'missing') && (
        <Button className="button button--small" onPress={() => void checkDevice()}>
          {t('device.retry')}
        </Button>
      )}
    </section>
  );
}

/** The whole job in one click, for those who want to see it before they bring anything. */
function Example() {
  const runExample = useStudio((state) => state.runExample);
  const busy = useStudio((state) => busyWith(state) !== null);
  const begun = useStudio((state) => state.model.status !== 'none' || state.dataset.status !== 'none');
  if (begun) return null;
  return (
    <div className="intro__actions">
      <Button
        className="button button--primary button--large"
        isDisabled={busy}
        aria-describedby="example-help"
        onPress={() => void runExample()}
      >
        {t('intro.example')}
      </Button>
      <span className="remark" id="example-help">
        {t('intro.exampleHelp')}
      </span>
    </div>
  );
}

function DeviceLine({ device }: { device: DeviceState }) {
  if (device.status === 'failed') return <ErrorNotice error={device.error} />;
  if (device.status === 'missing' || device.status === 'insecure') {
    return (
      <Notice tone="warning">
        <p className="notice__what">{t(`device.${device.status}`)}</p>
        <p>{t(device.status === 'insecure' ? 'device.insecureFix' : fixHere())}</p>
        <p>{t('device.readOn')}</p>
      </Notice>
    );
  }
  const { report } = device;
  if (!report) return <p className="device__line">{t('device.checking')}</p>;
  return (
    <p className="device__line">
      <span className="device__dot" aria-hidden="true" />
      <strong>{t('device.ready')}</strong>
      <span>{report.description || t('device.unnamed')}</span>
      <span>{t(report.hasF16 ? 'device.f16' : 'device.f32')}</span>
      <span>{t('device.buffer', { size: formatBytes(report.maxBufferBytes) })}</span>
    </p>
  );
}

/** How to get WebGPU in this browser; by its name, for advice only. */
function fixHere(): TextKey {
  const agent = navigator.userAgent;
  if (/Firefox\//.test(agent)) return 'device.fix.firefox';
  if (/Chrom(e|ium)\//.test(agent)) {
    return /Linux/.test(agent) && !/Android/.test(agent) ? 'device.fix.chromiumLinux' : 'device.fix.chromium';
  }
  if (/Safari\//.test(agent)) return 'device.fix.safari';
  return 'device.fix.other';
}
