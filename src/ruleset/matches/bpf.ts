// SPDX-License-Identifier: Apache-2.0
// bpf match, revision 1: a classic BPF program or a pinned eBPF object. iptables-extensions(8) bpf; net/netfilter/xt_bpf.c.
import { exclusive, needsOneOf, opaqueMatch } from './codec.js';
import type { Options } from '../options.js';

const MAX_INSTRUCTIONS = 64;
/** Bytes of a path, less its end. */
const MAX_PATH = 511;

export const bpfCodec = opaqueMatch('bpf', exclusive('--bytecode', '--object-pinned'), (options) => {
  needsOneOf(options, '--bytecode', '--object-pinned');
  const path = options.text('--object-pinned');
  if (path !== undefined) return ` --object-pinned ${path.slice(0, MAX_PATH)}`;
  return bytecodeText(options);
});

/** `length,code jt jf k,...` as `tcpdump -ddd` writes it with commas for newlines. */
function bytecodeText(options: Options): string {
  const [lengthText, ...rest] = (options.text('--bytecode') ?? '').split(',');
  const length = Number(lengthText);
  const instructions = rest.at(-1) === '' ? rest.slice(0, -1) : rest;
  const fields = instructions.map((instruction) => /^\s*(\d+) +(\d+) +(\d+) +(\d+)\s*$/.exec(instruction));
  if (
    !/^\s*[1-9][0-9]*$/.test(lengthText ?? '') ||
    length > MAX_INSTRUCTIONS ||
    fields.length !== length ||
    fields.includes(null)
  ) {
    options.badValue(
      '--bytecode',
      `expected \`length,code jt jf k,...\` with as many instructions as length says, at most ${MAX_INSTRUCTIONS}`,
    );
    return '';
  }
  const texts = fields.map((field) => {
    const [code, jumpTrue, jumpFalse, k] = field!.slice(1).map(Number) as [number, number, number, number];
    return `${code & 0xffff} ${jumpTrue & 0xff} ${jumpFalse & 0xff} ${k >>> 0}`;
  });
  return ` --bytecode "${length},${texts.join(',')}"`;
}
