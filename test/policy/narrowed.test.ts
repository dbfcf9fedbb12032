// SPDX-License-Identifier: Apache-2.0
// What an allow-list cannot take over of a rule is residue at that rule, also where it takes over the rest.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Host } from '../../src/host/host.js';
import { exportPolicy } from '../../src/policy/export/export.js';
import { inferPolicy } from '../../src/policy/infer.js';
import { NO_INVENTORY } from '../../src/policy/inventory.js';
import { Waivers } from '../../src/ruleset/waivers.js';
import { loadFixture } from '../fixtures/captures.js';
import { loadText } from '../model/load-text.js';

let host: Host;
beforeAll(async () => {
  host = (await loadFixture('web-server')).host;
});

/** Reasons for which packets that the one rule of INPUT allows may be denied, and the objects. */
function exported(rule: string, format: 'kubernetes' | 'cilium') {
  const rules = `*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${rule}\nCOMMIT\n`;
  const model = inferPolicy(loadText(rules), host, { generator: 'test', sources: [] });
  const { manifests, residue } = exportPolicy(model, host, {
    format,
    inventory: NO_INVENTORY,
    waivers: new Waivers([]),
  });
  const closes = residue.filter((one) => one.effect === 'closes' && one.statement !== null);
  return { reasons: new Set(closes.map(({ why }) => why)), text: JSON.stringify(manifests) };
}

const OTHERS = 'it also asks for protocols other than TCP, UDP and SCTP';
const PORT_ZERO = 'it asks for destination port 0';

describe('kubernetes', () => {
  it('keeps TCP of all protocols but UDP, and says what is lost', () => {
    const { reasons, text } = exported('-A INPUT ! -p udp -j ACCEPT', 'kubernetes');
    expect(reasons).toContain(OTHERS);
    expect(text).toContain('"protocol":"TCP"');
    expect(text).not.toContain('"protocol":"UDP"');
  });

  it('loses nothing of TCP alone', () => {
    expect(exported('-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT', 'kubernetes').reasons).not.toContain(
      OTHERS,
    );
  });
});

describe.each(['kubernetes', 'cilium'] as const)('%s', (format) => {
  it('has no words for destination port 0 alone', () => {
    expect(exported('-A INPUT -p tcp -m tcp --dport 0 -j ACCEPT', format).reasons).toContain(PORT_ZERO);
  });

  it('has words for ports from 0', () => {
    const { reasons, text } = exported('-A INPUT -p tcp -m tcp --dport 0:22 -j ACCEPT', format);
    expect(reasons).not.toContain(PORT_ZERO);
    expect(text).toContain('"endPort":22');
  });
});
