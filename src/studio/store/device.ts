import { noteOf } from './errorNote.ts';
import type { SliceOf } from './state.ts';
import type { DeviceSlice } from './state/device.ts';

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
