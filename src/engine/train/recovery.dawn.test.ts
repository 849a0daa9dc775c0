import shaders from 'virtual:shaders';
import { beforeAll, expect, it } from 'vitest';
import { openDawn } from '../../hosts/node/dawn.ts';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import { openGpu } from '../gpu/device.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { closeDecoder, openDecoder } from '../model/weights/openDecoder.ts';
import { openModelFiles, type ModelFiles } from '../model/spec/openModel.ts';
import type { CheckpointData } from '../../content/runs/types.ts';
import { copyOf } from '../../testing/checkpoints.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { randomRows, readBuffers } from '../../testing/passes.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { trainWithRecovery, type DeviceLoss, type TrainSession } from '../../testing/trainWithRecovery.ts';
import { startAdapter } from './startAdapter.ts';
import type { StepReport } from './trainer.ts';

const STEPS = 30;

const rows = randomRows([5, 3, 7, 4, 6, 2, 8, 5]);
const recipe: Recipe = {
  ...defaultRecipe(),
  rank: 4,
  lr: 1e-2,
  batch_size: 1,
  grad_accum: 2,
  dropout: 0.2,
  max_steps: STEPS,
  checkpoint_steps: 2,
  targets: ['q_proj', 'v_proj'],
};

/** Where in a step the device is lost. */
const moments = ['forward', 'optimizer', 'readback', 'checkpoint'] as const;
type Moment = (typeof moments)[number];

let files: ModelFiles;
beforeAll(async () => {
  files = await openModelFiles(tinyModel({ config: { num_hidden_layers: 1 } }));
});

async function open(): Promise<TrainSession> {
  const gpu = await openGpu(openDawn(), shaders);
  const decoder = await openDecoder(gpu, files, 'f32');
  const trained = await startAdapter(decoder, recipe, null);
  const close = () => {
    trained.dispose();
    closeDecoder(decoder);
    gpu.destroy();
  };
  return { decoder, trained, close };
}

/** Destroys the device when it comes to that moment for the `count`th time. */
function loseAt({ decoder }: TrainSession, moment: Moment, count: number): void {
  const { device } = decoder.gpu;
  let left = count;
  const come = () => {
    left -= 1;
    if (left === 0) device.destroy();
  };
  if (moment === 'forward' || moment === 'optimizer') {
    const { commands } = decoder;
    const run = commands.run.bind(commands);
    commands.run = (name, ...rest) => {
      run(name, ...rest);
      if (name === (moment === 'forward' ? 'glu' : 'adam_w')) come();
    };
    return;
  }
  const label = moment === 'readback' ? 'readback' : 'checkpoint readback';
  const make = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = make(descriptor);
    if (descriptor.label !== label) return buffer;
    const map = buffer.mapAsync.bind(buffer);
    buffer.mapAsync = (mode) => {
      const mapped = map(mode);
      come();
      return mapped;
    };
    return buffer;
  };
}

interface Fault {
  moment: Moment;
  count: number;
}

/** Trains on as many devices as there are faults, each lost by its own, and one more. */
async function run(faults: readonly Fault[], refusals = 0) {
  const left = [...faults];
  let refused = 0;
  let committed: CheckpointData | null = null;
  let opened = 0;
  const reports: StepReport[] = [];
  const lost: DeviceLoss[] = [];
  const waits: number[] = [];
  const { outcome, session } = await trainWithRecovery(
    {
      recipe,
      dataset: rows,
      evalDataset: null,
      checkpoints: {
        seconds: 1e6,
        model: 'tiny',
        save: async (data) => void (committed = await copyOf(data)),
      },
      onStep: (report) => reports.push(report),
      onEval: () => undefined,
      shouldStop: () => false,
    },
    {
      open: async () => {
        if (opened > 0 && refused < refusals) {
          refused += 1;
          throw new GraftError('gpu.no_adapter', { detail: '' });
        }
        opened += 1;
        const opening = await open();
        const fault = left.shift();
        if (fault) loseAt(opening, fault.moment, fault.count);
        return opening;
      },
      lastCheckpoint: async () => committed,
      onLost: (loss) => lost.push(loss),
      onReplay: (step) => reports.splice(0, Infinity, ...reports.filter((report) => report.step <= step)),
      wait: async (ms) => void waits.push(ms),
    },
  );
  const params = await readBuffers(session.decoder.gpu, session.trained.params);
  session.close();
  return { outcome, reports, params, lost, waits, opened };
}

it('20 lost devices, forwards, in the optimizer, in readbacks and checkpoints, change no bit', async () => {
  const whole = await run([]);
  expect(whole.reports).toHaveLength(STEPS);
  // Moments of every kind at several places within a step or two of where the run resumes.
  const faults = Array.from({ length: 20 }, (_, i) => ({
    moment: moments[i % moments.length]!,
    count: 1 + (Math.floor(i / moments.length) % 3),
  }));
  const { outcome, reports, params, lost, opened } = await run(faults);
  expect(lost).toHaveLength(20);
  expect(opened).toBe(21);
  expect(params).toEqual(whole.params);
  expect(reports).toEqual(whole.reports);
  expect(outcome).toEqual(whole.outcome);
});

it('a device that is not there for a while is waited for, longer each time', async () => {
  const whole = await run([]);
  const { params, lost, waits } = await run([{ moment: 'optimizer', count: 5 }], 3);
  expect(waits).toEqual([500, 1000, 2000, 4000]);
  expect(lost.map(({ count }) => count)).toEqual([1, 2, 3, 4]);
  expect(params).toEqual(whole.params);
});

it('devices that get nowhere end the run', async () => {
  const faults = Array.from({ length: 20 }, () => ({ moment: 'forward' as const, count: 1 }));
  await expectGraftError(() => run(faults), 'gpu.device_lost');
});
