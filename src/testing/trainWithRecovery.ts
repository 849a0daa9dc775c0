import type { Gpu } from '../engine/gpu/device.ts';
import { GraftError, messageOf } from '../base/lib/errors.ts';
import type { Decoder } from '../engine/model/decoder/decoder.ts';
import type { Trainable } from '../engine/model/trained/trainable.ts';
import type { CheckpointData } from '../content/runs/types.ts';
import { train, type TrainOptions, type TrainOutcome } from '../engine/train/trainer.ts';

/** Waits before a device is requested again, doubling: browsers refuse one for a while after a crash. */
const [FIRST_WAIT_MS, MAX_WAIT_MS] = [500, 60_000];

/** Devices that may fail in a row without a step in between before the run fails: about six minutes. */
const MAX_IN_A_ROW = 12;

/** How long a run on a lost device has to notice: calls that never return must not block the next attempt. */
const GRACE_MS = 5000;

/** A run's state on one device. */
export interface TrainSession {
  decoder: Decoder;
  trained: Trainable;
  /** Closes the device, with everything on it. */
  close(): void;
}

/** A device that was lost, or that could not be reopened. */
export interface DeviceLoss {
  reason: string;
  /** Number of losses in a row, from 1. */
  count: number;
  /** Until the next attempt. */
  waitMs: number;
}

/** How a run gets another device. */
export interface Recovery {
  /** Opens a device, loads the weights and creates the initial trainable state; called again after each loss. */
  open(): Promise<TrainSession>;
  /** The last committed checkpoint; null before the first. */
  lastCheckpoint(): Promise<CheckpointData | null>;
  onLost?(loss: DeviceLoss): void;
  /** The run resumes after this step, 0 for its start: later steps will be reported again. */
  onReplay(step: number): void;
  /** By default a timer. */
  wait?(ms: number): Promise<void>;
}

/** A run on a device that may be lost: everything except the results of `Recovery.open`. */
export type RecoverableRun = Omit<TrainOptions, 'decoder' | 'adapter'>;

/**
 * `train`, with a new device after each loss: the weights are loaded again, and the run resumes from its last
 * checkpoint, with the same bits as a run without a loss (on the same adapter). Failing to open the first device is an
 * error at once. Throws the errors of `train` and `Recovery.open`, and `gpu.device_lost` if too many devices fail in a
 * row.
 * @returns the outcome, and the session whose adapter it trained, which the caller must close
 */
export async function trainWithRecovery(
  run: RecoverableRun,
  recovery: Recovery,
): Promise<{ outcome: TrainOutcome; session: TrainSession }> {
  const wait = recovery.wait ?? ((ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)));
  const losses = { count: 0 };
  let session = await recovery.open();
  let resume = run.resume ?? null;
  for (;;) {
    try {
      return { outcome: await trainOn(session, { ...run, resume }, losses), session };
    } catch (error) {
      const loss = await lossOf(session.decoder.gpu, error);
      session.close();
      if (!loss) throw error;
      let failure: unknown = loss;
      for (let next: TrainSession | null = null; !next;) {
        losses.count += 1;
        // After a stop request there is nothing to resume for: saved state stays.
        if (losses.count > MAX_IN_A_ROW || run.shouldStop()) throw failure;
        const waitMs = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (losses.count - 1));
        recovery.onLost?.({ reason: messageOf(failure), count: losses.count, waitMs });
        await wait(waitMs);
        try {
          session = next = await recovery.open();
        } catch (error) {
          if (!mayPass(error)) throw error;
          failure = error;
        }
      }
      resume = (await recovery.lastCheckpoint()) ?? run.resume ?? null;
      recovery.onReplay(resume?.step ?? 0);
    }
  }
}

/** Trains on one device. Events after the run has lost it are ignored. */
async function trainOn(
  { decoder, trained }: TrainSession,
  run: RecoverableRun,
  losses: { count: number },
): Promise<TrainOutcome> {
  let heard = true;
  const hears = <A extends unknown[]>(handler: (...args: A) => void) => {
    return (...args: A): void => {
      if (heard) handler(...args);
    };
  };
  const { checkpoints, onProfile } = run;
  const training = train({
    ...run,
    decoder,
    adapter: trained,
    checkpoints: checkpoints && {
      ...checkpoints,
      save: async (data) => {
        await checkpoints.save(data);
        // Only saved state is progress: a device that dies between two checkpoints makes none.
        losses.count = 0;
      },
    },
    onStep: hears(run.onStep),
    onEval: hears(run.onEval),
    ...(onProfile && { onProfile: hears(onProfile) }),
  });
  const abandoned = decoder.gpu.lost.then(async (reason) => {
    await new Promise((resolve) => setTimeout(resolve, GRACE_MS));
    throw new GraftError('gpu.device_lost', { reason });
  });
  training.catch(() => undefined);
  abandoned.catch(() => undefined);
  try {
    return await Promise.race([training, abandoned]);
  } finally {
    heard = false;
  }
}

/** The device loss that caused an error; null if there is another cause. */
async function lossOf(gpu: Gpu, error: unknown): Promise<GraftError | null> {
  if (error instanceof GraftError && error.code === 'gpu.device_lost') return error;
  // A call may fail before the device says why.
  const moment = new Promise<null>((resolve) => setTimeout(resolve, GRACE_MS, null));
  const reason = await Promise.race([gpu.lost, moment]);
  return reason === null ? null : new GraftError('gpu.device_lost', { reason }, { cause: error });
}

/**
 * Whether opening may succeed a little later: after a crash there is no adapter for a while, or a device is lost while
 * weights load. A file that can't be read won't be readable then either.
 */
function mayPass(error: unknown): boolean {
  return !(error instanceof GraftError) || error.code.startsWith('gpu.');
}
