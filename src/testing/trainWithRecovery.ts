import type { Gpu } from '../gpu/device.ts';
import { GraftError, messageOf } from '../lib/errors.ts';
import type { Decoder } from '../model/decoder.ts';
import type { Trainable } from '../model/trainable.ts';
import type { CheckpointData } from '../runs/types.ts';
import { train, type TrainOptions, type TrainOutcome } from '../train/trainer.ts';

/** Waits before a device is asked for again: twice as long each time. Browsers refuse one for a while after a crash. */
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [500, 60_000];

/** Devices that may fail one after another without a step between them, and then the run fails: about six minutes. */
const MOST_IN_A_ROW = 12;

/** How long a run on a lost device has to notice: calls that never come back must not hold up the next. */
const GRACE_MS = 5000;

/** What a run has of one device. */
export interface TrainSession {
  decoder: Decoder;
  trained: Trainable;
  /** Closes the device, with all that is on it. */
  close(): void;
}

/** A device that was lost, or that could not be opened again. */
export interface DeviceLoss {
  reason: string;
  /** How many in a row, from 1. */
  count: number;
  /** Until the next attempt. */
  waitMs: number;
}

/** How a run gets another device. */
export interface Recovery {
  /** Opens a device, loads the weights and makes what is trained as it begins; asked again after each loss. */
  open(): Promise<TrainSession>;
  /** The last that was committed; null before the first. */
  lastCheckpoint(): Promise<CheckpointData | null>;
  onLost?(loss: DeviceLoss): void;
  /** The run goes on after this step, 0 for its beginning: what was told of later steps will be told again. */
  onReplay(step: number): void;
  /** By default a timer. */
  wait?(ms: number): Promise<void>;
}

/** A run on a device that may be lost: all but what `Recovery.open` gives. */
export type RecoverableRun = Omit<TrainOptions, 'decoder' | 'adapter'>;

/**
 * `train`, on another device where one is lost: the weights are loaded again, and the run goes on from its last
 * checkpoint, to the bits of one that lost none (on the same adapter). The first device that cannot be opened is an
 * error at once. Throws what `train` and `Recovery.open` throw, `gpu.device_lost` where too many fail in a row.
 * @returns how it ended, and the session whose adapter it trained, for the caller to close
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
        // Asked to stop there is nothing to go on for: what is saved stays.
        if (losses.count > MOST_IN_A_ROW || run.shouldStop()) throw failure;
        const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (losses.count - 1));
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

/** Trains on one device. What a run still says that has lost it is not heard. */
async function trainOn(
  { decoder, trained }: TrainSession,
  run: RecoverableRun,
  losses: { count: number },
): Promise<TrainOutcome> {
  let heard = true;
  const hears = <A extends unknown[]>(tell: (...args: A) => void) => {
    return (...args: A): void => {
      if (heard) tell(...args);
    };
  };
  const { checkpoints, onProfile } = run;
  const training = train({
    ...run,
    ...{ decoder, adapter: trained },
    checkpoints: checkpoints && {
      ...checkpoints,
      save: async (data) => {
        await checkpoints.save(data);
        // Only what is kept is progress: a device that dies between two checkpoints gets nowhere.
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

/** The loss of the device that an error comes from; null where it has another cause. */
async function lossOf(gpu: Gpu, error: unknown): Promise<GraftError | null> {
  if (error instanceof GraftError && error.code === 'gpu.device_lost') return error;
  // A call may fail before the device says why.
  const moment = new Promise<null>((resolve) => setTimeout(resolve, 100, null));
  const reason = await Promise.race([gpu.lost, moment]);
  return reason === null ? null : new GraftError('gpu.device_lost', { reason }, { cause: error });
}

/**
 * Whether opening may succeed a little later: after a crash there is no adapter for a while, or a device that is lost
 * while weights load. A file that cannot be read will not be there then either.
 */
function mayPass(error: unknown): boolean {
  return !(error instanceof GraftError) || error.code.startsWith('gpu.');
}
