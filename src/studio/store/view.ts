import type { SliceOf } from './state.ts';
import type { ViewSlice } from './state/view.ts';

export const createViewSlice: SliceOf<ViewSlice> = () => (set) => ({
  view: 'home',
  showView: (view) => set({ view }),
});
