// SPDX-License-Identifier: Apache-2.0
// policy match. iptables-extensions(8) policy; net/netfilter/xt_policy.c.
import type { OptionNode } from '../../ast/nodes.js';
import type { DecodeContext } from '../extension.js';
import { hex, unsignedInteger, UINT32_MAX, type Options } from '../options.js';
import { addressWithMask, hostWithMask, not } from '../values.js';
import { opaqueMatch } from './codec.js';

const MAX_ELEMENTS = 4;
const PROTOCOLS: Readonly<Record<number, string>> = { 50: 'esp', 51: 'ah', 108: 'ipcomp' };
/** In printing order. */
const FIELDS = ['--reqid', '--spi', '--proto', '--mode', '--tunnel-dst', '--tunnel-src'];

/** One element of a policy: its options by name. */
type Element = ReadonlyMap<string, OptionNode>;

export const policyCodec = opaqueMatch(
  'policy',
  { '--next': { needs: ['--strict'] } },
  (options, context) => {
    const direction = word(options, '--dir', ['in', 'out']);
    const policy = word(options, '--pol', ['none', 'ipsec']) ?? 'ipsec';
    if (direction === undefined && !options.failed)
      options.fail(options.node, 'IPT0224', '`policy` needs `--dir in` or `--dir out`');
    const strict = options.has('--strict');
    const elements = readElements(options);
    if (policy === 'none' && (strict || elements.length > 1))
      options.fail(options.node, 'IPT0225', '`--pol none` takes neither `--strict` nor elements');
    const printed = policy === 'none' ? [] : elements;
    for (const element of printed) checkElement(options, element, strict);
    return (
      ` --dir ${direction} --pol ${policy}${strict ? ' --strict' : ''}` +
      printed.map((element) => elementText(options, element, context)).join(' --next')
    );
  },
);

function word(options: Options, name: string, words: readonly string[]): string | undefined {
  const text = options.text(name);
  if (text !== undefined && !words.includes(text))
    return options.badValue(name, `expected ${words.join(' or ')}`);
  return text;
}

function readElements(options: Options): Element[] {
  const elements: Map<string, OptionNode>[] = [new Map()];
  for (const option of options.node.options) {
    if (option.name === '--next') {
      elements.push(new Map());
      continue;
    }
    if (!FIELDS.includes(option.name)) continue;
    const element = elements.at(-1)!;
    if (element.has(option.name))
      options.fail(option, 'IPT0222', `\`${option.name}\` is given twice in one element of \`policy\``);
    element.set(option.name, option);
  }
  if (elements.length > MAX_ELEMENTS)
    options.fail(options.node, 'IPT0220', `\`policy\` has at most ${MAX_ELEMENTS} elements`);
  return elements;
}

function checkElement(options: Options, element: Element, strict: boolean): void {
  if (strict && element.size === 0)
    options.fail(options.node, 'IPT0226', 'with `--strict`, each element of `policy` needs an option');
  const mode = element.get('--mode');
  // Without `--mode` the kernel is told of transport mode.
  const transport = mode === undefined || (mode.args[0]!.text === 'transport') !== mode.negated;
  if (transport && (element.has('--tunnel-src') || element.has('--tunnel-dst')))
    options.fail(mode ?? options.node, 'IPT0225', 'tunnel ends of `policy` are for `--mode tunnel`');
}

function elementText(options: Options, element: Element, context: DecodeContext): string {
  return FIELDS.map((name) => {
    const option = element.get(name);
    return option === undefined
      ? ''
      : `${not(option.negated)} ${name} ${valueText(options, option, context)}`;
  }).join('');
}

function valueText(options: Options, option: OptionNode, context: DecodeContext): string {
  const { name } = option;
  const text = option.args[0]!.text;
  const complain = (expected: string): string => {
    options.fail(
      option.args[0]!,
      'IPT0220',
      `\`${text}\` is no value for \`${name}\` of \`policy\``,
      expected,
    );
    return '';
  };
  if (name === '--reqid' || name === '--spi') {
    const value = unsignedInteger(text, 0, UINT32_MAX);
    if (value === undefined) return complain('expected an integer of 32 bits');
    return name === '--spi' ? hex(value) : `${value}`;
  }
  if (name === '--proto') {
    const number = unsignedInteger(text, 0, 255) ?? context.names.protocol(text);
    return PROTOCOLS[number ?? 0] ?? complain('expected esp, ah or ipcomp');
  }
  if (name === '--mode')
    return text === 'tunnel' || text === 'transport' ? text : complain('expected tunnel or transport');
  const address = hostWithMask(options, option, context.family);
  return address === undefined ? '' : addressWithMask(address);
}
