// SPDX-License-Identifier: Apache-2.0
// The fixtures' recorded verdicts are what this kernel decides: replayed again, the records are the same.
import { expect, it } from 'vitest';
import { openRunner } from '../../src/replay/open-runner.js';
import { captures, loadFixture, recordedVerdicts, replay } from '../fixtures/captures.js';
import { describeOn } from './needs.js';

describeOn('netfilter', 'fixtures on the real netfilter', () => {
  it.each(captures())('$fixture/$name', async (capture) => {
    const input = await loadFixture(capture.fixture);
    const runner = await openRunner('netfilter', input, { checksums: 'verify', trace: false, waivers: [] });
    const records = await replay(capture, input, runner).finally(() => runner.close());
    const kept = records.map((record) =>
      Object.fromEntries(
        Object.entries(record).filter(([field]) => field !== 'trace' && field !== 'replies'),
      ),
    );
    expect(kept).toEqual(recordedVerdicts(capture));
  });
});
