import type { DeviceReport } from '../../../hosts/browser/protocol.ts';
import type { ErrorNote } from '../errorNote.ts';

export interface DeviceState {
  /** `insecure`: the page came over plain http from another machine, where browsers hide WebGPU. */
  status: 'checking' | 'ready' | 'insecure' | 'missing' | 'failed';
  report: DeviceReport | null;
  error: ErrorNote | null;
}

export interface DeviceSlice {
  device: DeviceState;
  /** Checks whether this browser and GPU are supported. */
  checkDevice(): Promise<void>;
}
