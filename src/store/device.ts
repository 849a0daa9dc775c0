import type { DeviceReport } from '../workers/protocol.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import type { SliceOf } from './state.ts';

export interface DeviceState {
  /** `insecure`: the page came over plain http from another machine, where browsers hide WebGPU. */
  status: 'checking' | 'ready' | 'insecure' | 'missing' | 'failed';
  report: DeviceReport | null;
  error: ErrorNote | null;
}

export interface DeviceSlice {
  device: DeviceState;
  /** Finds out whether this browser and GPU will do. */
  checkDevice(): Promise<void>;
}

export const createDeviceSlice: SliceOf<DeviceSlice> =
  ({ workers }) =>
  (set) => ({
    device: { status: 'checking', report: null, error: null },
    async checkDevice() {
      if (!globalThis.isSecureContext) {
        set({ device: { status: 'insecure', report: null, error: null } });
        return;
      }
      if (!('gpu' in navigator) || !navigator.gpu) {
        set({ device: { status: 'missing', report: null, error: null } });
        return;
      }
      set({ device: { status: 'checking', report: null, error: null } });
      try {
        const report = await workers.engine.call.openDevice();
        set({ device: { status: 'ready', report, error: null } });
      } catch (error) {
        set({ device: { status: 'failed', report: null, error: noteOf(error) } });
      }
    },
  });
