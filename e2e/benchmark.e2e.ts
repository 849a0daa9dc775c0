import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { openChromium } from '../src/testing/browsers/chromium.ts';
import { OPEN } from '../src/testing/browsers/job.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';

/** Software adapters are slow at compiling shaders. */
const MEASURED = 240_000;

describe('Benchmark this device', () => {
  let studio: Studio;

  beforeAll(async () => {
    studio = await openChromium(inject('studioUrl'));
    await studio.open();
    await studio.waitForText('WebGPU is ready');
    await studio.click({ role: 'button', name: 'Benchmark this device' });
  });
  afterAll(() => studio?.close());

  const press = (name: string) => studio.click({ role: 'button', name });

  it('stops on request, and leaves nothing behind', async () => {
    await press('Start');
    await studio.waitForText('measurements');
    // The single button retains the focus.
    expect(await studio.evaluate(() => document.activeElement?.textContent ?? null, null)).toBe('Stop');
    await press('Stop');
    const shown = await studio.waitForText(/Scope[\s\S]*Start/, MEASURED);
    expect(shown).not.toContain('Peak performance');
    expect(shown).not.toContain('stopped');
  });

  it('measures ceilings, a training step and kernels, and copies them as JSON', async () => {
    await studio.select('Scope', 'Quick');
    await press('Start');
    const shown = await studio.waitForText('Copy as JSON', OPEN);
    expect(shown).toMatch(/Multiply-adds\s+[\d.]+ [kMGT]?FLOP\/s/);
    expect(shown).toMatch(/Copy in a kernel\s+[\d.]+ [kMGT]?B\/s/);
    expect(shown).toMatch(/Dispatches\s+\d+/);
    expect(shown).toMatch(/matmul NT nf4\s+128 × 1024 × 256\s+[\d.]+ (m|µ)?s\s+[\d.]+ [kMG]?FLOP\/s\s+\d+%/);
    expect(shown).toContain('attention backward');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await press('Copy as JSON');
    await studio.waitForText('Copied');
    await press('Close');
    await expect.poll(() => studio.text()).not.toContain('Multiply-adds');
    expect(studio.problems).toEqual([]);
  });
});
