import { Button } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import type { DeviceState } from '../../../store/state/device.ts';
import { busyWith } from '../../../store/state.ts';
import { BenchmarkDialog } from '../../benchmark/BenchmarkDialog.tsx';
import { ErrorNotice, Notice } from '../../controls/Notice.tsx';
import { formatBytes } from '../../format.ts';
import { GpuMemoryField } from '../../frame/GpuMemoryField.tsx';
import { t, type TextKey } from '../../text/index.ts';

/** Whether Graft works here, and what the machine can do. */
export function Machine() {
  const device = useStudio((state) => state.device);
  const checkDevice = useStudio((state) => state.checkDevice);
  return (
    <div className="panel machine">
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
    </div>
  );
}

/** Runs the whole job in one click, to see it before bringing own files. */
export function Example() {
  const runExample = useStudio((state) => state.runExample);
  const ready = useStudio((state) => state.device.status === 'ready');
  const busy = useStudio((state) => busyWith(state) !== null || state.projects.restoring);
  if (!ready) return null;
  return (
    <div className="panel intro__actions">
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

/** How to get WebGPU in this browser; the name is only used for this advice. */
function fixHere(): TextKey {
  const agent = navigator.userAgent;
  if (/Firefox\//.test(agent)) return 'device.fix.firefox';
  if (/Chrom(e|ium)\//.test(agent)) {
    return /Linux/.test(agent) && !/Android/.test(agent) ? 'device.fix.chromiumLinux' : 'device.fix.chromium';
  }
  if (/Safari\//.test(agent)) return 'device.fix.safari';
  return 'device.fix.other';
}
