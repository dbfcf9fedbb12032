// SPDX-License-Identifier: Apache-2.0
// MOVING.md stays true: its shell blocks, in their order, in one root shell of its own namespaces, stopping at the
// first command that fails.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { repositoryRoot } from '../../cli/run-cli.js';
import { describeOn } from '../needs.js';
import { TOOLS } from './story.js';

const page = readFileSync(join(repositoryRoot, 'MOVING.md'), 'utf8');
const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text]) => text!);

/** Also where a command fails: the host is given back, the server ends. */
const END = `trap 'code=$?; ipt2ebpf unload >/dev/null 2>&1 || true; kill $server 2>/dev/null || true; exit $code' EXIT
`;

describeOn(
  'netfilter',
  'the page "Moving a host"',
  () => {
    it('runs from start to end', { timeout: 240_000 }, () => {
      expect(blocks.length).toBeGreaterThan(8);
      const script = blocks.map((text, i) => `echo "block ${i + 1}" >&2\n${text}`).join('');
      const result = spawnSync(
        'unshare',
        ['--net', '--mount', 'bash', '-euo', 'pipefail', '-c', END + script],
        {
          cwd: repositoryRoot,
          encoding: 'utf8',
          timeout: 220_000,
        },
      );
      expect(result.status, result.stdout + result.stderr).toBe(0);
      expect(result.stdout).toContain('refused: exit 1');
      expect(result.stdout).toContain('not loaded: exit 1');
    });
  },
  TOOLS,
);
