// SPDX-License-Identifier: Apache-2.0
// The same packets through the rules, step by step, and through the program, where one can be made here.
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { InputError } from '../diagnostics/input-error.js';
import type { LoadedInput } from '../input/load.js';
import { describeFrame } from '../packet/describe.js';
import type { ReplayPacket } from '../packet/packet.js';
import { IngressResolver, type IngressRule, LOCAL } from '../replay/ingress.js';
import { openRunner } from '../replay/open-runner.js';
import type { PacketText } from '../replay/packet-text.js';
import { assess } from '../ruleset/assess/assess.js';
import { explainPackets } from '../ruleset/evaluate/explain.js';
import type { Waiver } from '../ruleset/waivers.js';
import type { ExplainedPacket, ProgramAnswer } from './explain-text.js';

export interface ExplainOptions {
  readonly checksums: 'verify' | 'trust';
  readonly waivers: readonly Waiver[];
}

/** Between two packets, so that none falls on the same tick as another. */
const SPACING_NS = 10_000_000n;
/** Any moment will do; packets given as text have no time of their own. */
const START_NS = 1_700_000_000_000_000_000n;

/** Packets take the interface that their text names, else what `ingress` says. */
export async function explain(
  input: LoadedInput,
  texts: readonly PacketText[],
  ingress: IngressRule,
  { checksums, waivers }: ExplainOptions,
): Promise<ExplainedPacket[]> {
  const resolver = new IngressResolver(ingress, input.host);
  const packets = texts.map(({ frame, interface: named }, index): ReplayPacket => {
    const found = resolver.resolve(index, frame, {});
    const name = named ?? ('name' in found ? found.name : LOCAL);
    return {
      index,
      interface: name,
      frame,
      timestampNs: START_NS + BigInt(index) * SPACING_NS,
      wireLength: frame.length,
    };
  });
  const { findings } = assess(input, waivers);
  const waived = new Set(findings.flatMap(({ rule, waiver }) => (waiver === undefined ? [] : [rule.id])));
  const explanations = explainPackets(input.ruleset, input.host, packets, { checksums, waived });
  const answers = await programAnswers(input, packets, { checksums, waivers });
  return packets.map((packet, i) => ({
    packet: describeFrame(packet),
    explanation: explanations[i]!,
    program: answers[i]!,
  }));
}

/** Rules that make no program, or a machine without clang, are told of, not an error: the rules' side stands. */
async function programAnswers(
  input: LoadedInput,
  packets: readonly ReplayPacket[],
  { checksums, waivers }: ExplainOptions,
): Promise<ProgramAnswer[]> {
  try {
    const runner = await openRunner('vm', input, { checksums, trace: true, waivers });
    try {
      return (await runner.run(packets)).map((record) => ({ record }));
    } finally {
      await runner.close();
    }
  } catch (error) {
    const unavailable =
      error instanceof InputError
        ? (error.diagnostics[0]?.message ?? 'the rules make no program')
        : error instanceof EnvironmentError
          ? error.message
          : undefined;
    if (unavailable === undefined) throw error;
    return packets.map(() => ({ unavailable }));
  }
}
