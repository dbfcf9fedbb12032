// SPDX-License-Identifier: Apache-2.0
// Exported policies decide as the rules do: the fixtures' captures, and packets aimed at their rules. What residue
// names is left aside, and counted; so is what policies do not speak of.
import { describe, expect, it } from 'vitest';
import type { LoadedInput } from '../../src/input/load.js';
import type { ReplayPacket } from '../../src/packet/packet.js';
import { exportPolicy } from '../../src/policy/export/export.js';
import type { ExportResidue, PolicyExport } from '../../src/policy/export/target.js';
import { inferPolicy } from '../../src/policy/infer.js';
import { NO_INVENTORY, type Inventory } from '../../src/policy/inventory.js';
import { directedPackets } from '../../src/replay/directed/directed-packets.js';
import { replayPackets } from '../../src/replay/source.js';
import { Waivers } from '../../src/ruleset/waivers.js';
import { captures, FIXTURES, loadFixture } from '../fixtures/captures.js';
import { judgeCalico } from './judges/calico.js';
import { judgeCilium } from './judges/cilium.js';
import { judgeKubernetes } from './judges/kubernetes.js';
import { PORTS, type Seen } from './judges/seen.js';
import { observe, type Observed } from './observe.js';

/** For each fixture; IPT2EBPF_POLICY_PACKETS=100000 for all that the project claims. */
const PACKETS = Number(process.env['IPT2EBPF_POLICY_PACKETS'] ?? 3000);
const FORMATS = ['cilium', 'kubernetes', 'calico'] as const;
const JUDGES = { cilium: judgeCilium, kubernetes: judgeKubernetes, calico: judgeCalico };

/** Addresses that the fixtures' rules speak of. */
const INVENTORY: Inventory = {
  entries: [
    { cidr: '198.51.100.0/24', labels: { team: 'operations' } },
    { cidr: '10.0.0.0/24', labels: { site: 'main' } },
    { cidr: '10.0.0.53/32', labels: { app: 'names' } },
    { cidr: '2001:db8:2::/64', labels: { site: 'main' } },
    { cidr: '192.0.2.0/25', labels: { trust: 'none' } },
  ],
};

/** What the formats themselves leave open; see the assumptions that an export states. */
function unspoken(format: PolicyExport['format'], { protocol, destinationPort }: Seen): boolean {
  const hasPorts = Object.values(PORTS).includes(protocol);
  if (format === 'calico') return false;
  return (hasPorts && destinationPort === 0) || (format === 'kubernetes' && !hasPorts);
}

function isTouched({ met, seen }: Observed, residue: ReadonlyMap<string, readonly ExportResidue[]>): boolean {
  return met.some(({ tier, statement, untracks, state, interfaces }) => {
    const applies = (one: ExportResidue): boolean =>
      one.paths.includes(seen.path) && (one.interfaces?.some((each) => interfaces.includes(each)) ?? true);
    const asks = (one: ExportResidue): boolean =>
      applies(one) && one.states.includes(state as ExportResidue['states'][number]);
    const onwards = (residue.get(`${tier} onwards`) ?? []).filter(
      (one) => (statement ?? Infinity) >= (one.statement ?? Infinity),
    );
    const untracking = untracks ? (residue.get(`${tier} untracks`) ?? []) : [];
    return (
      untracking.some(applies) || [...onwards, ...(residue.get(`${tier} ${statement}`) ?? [])].some(asks)
    );
  });
}

/** What changes verdicts, by the statement it is found at. */
function indexed(residue: readonly ExportResidue[]): Map<string, ExportResidue[]> {
  const index = new Map<string, ExportResidue[]>();
  for (const one of residue) {
    if (one.effect === 'silent' || one.effect === 'aside') continue;
    const keys = [`${one.tier} ${one.statement}`];
    if (one.onwards === true) keys.push(`${one.tier} onwards`);
    if (one.why.includes('tracks every packet')) keys.push(`${one.tier} untracks`);
    for (const key of keys) index.set(key, [...(index.get(key) ?? []), one]);
  }
  return index;
}

function compare(exported: PolicyExport, inventory: Inventory, observed: readonly Observed[]) {
  const judge = JUDGES[exported.format](exported.manifests, inventory);
  const residue = indexed(exported.residue);
  const count = { equal: 0, residue: 0, unspoken: 0 };
  const different: unknown[] = [];
  for (const one of observed) {
    if (one.outside !== undefined || unspoken(exported.format, one.seen)) count.unspoken++;
    else if (isTouched(one, residue)) count.residue++;
    else if (judge(one.seen) === one.verdict) count.equal++;
    else different.push(one);
  }
  return { count, different };
}

async function captured(fixture: string, input: LoadedInput): Promise<ReplayPacket[]> {
  const packets: ReplayPacket[] = [];
  for (const { file } of captures().filter((each) => each.fixture === fixture))
    for await (const batch of replayPackets([file], { kind: 'inferred' }, input.host))
      packets.push(...batch.packets);
  return packets;
}

describe.each(FIXTURES)('%s', (fixture) => {
  it.each(['captures', 'aimed packets'])('%s', { timeout: 900_000 }, async (kind) => {
    const input = await loadFixture(fixture);
    const model = inferPolicy(input.ruleset, input.host, { generator: 'test', sources: [] });
    const packets =
      kind === 'captures'
        ? await captured(fixture, input)
        : directedPackets(input.ruleset, input.host, { seed: 1, packets: PACKETS });
    const observed = observe(model, input, packets);
    for (const format of FORMATS) {
      for (const inventory of [NO_INVENTORY, INVENTORY]) {
        const exported = exportPolicy(model, input.host, { format, inventory, waivers: new Waivers([]) });
        const { count, different } = compare(exported, inventory, observed);
        if (inventory === NO_INVENTORY)
          console.log(`${fixture} ${format}: ${packets.length} ${kind}: ${JSON.stringify(count)}`);
        expect(different.slice(0, 3), format).toEqual([]);
      }
    }
  });
});
