import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { offlinePlugin } from './src/launch/offlinePlugin.ts';
import { securityPlugin } from './src/launch/securityPlugin.ts';
import { wgslPlugin } from './src/launch/wgslPlugin.ts';

export default defineConfig({
  // Relative addresses, so that dist/ works in any folder of any host.
  base: './',
  plugins: [react(), wgslPlugin(), securityPlugin(), offlinePlugin()],
  worker: { format: 'es', plugins: () => [wgslPlugin()] },
  build: { target: 'es2023', sourcemap: true },
});
