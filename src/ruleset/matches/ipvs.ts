// SPDX-License-Identifier: Apache-2.0
// ipvs match. iptables-extensions(8) ipvs; net/netfilter/xt_ipvs.c.
import type { DecodeContext } from '../extension.js';
import type { Options } from '../options.js';
import { addressWithMask, hostWithMask, not, protocolValue, servicePortNumber } from '../values.js';
import { opaqueMatch } from './codec.js';

export const ipvsCodec = opaqueMatch('ipvs', {}, (options, context) => {
  if (options.node.options.length === 0)
    options.fail(options.node, 'IPT0227', '`ipvs` needs one option at least');
  const alone = options.node.options.every(({ name }) => name === '--ipvs');
  if (alone) return `${not(options.negated('--ipvs'))} --ipvs`;
  if (options.negated('--ipvs'))
    options.fail(
      options.get('--ipvs')!,
      'IPT0225',
      '`! --ipvs` and other options of `ipvs` exclude each other',
    );
  const protocol = protocolValue(options, '--vproto', context);
  const address = hostWithMask(options, '--vaddr', context.family);
  return (
    valueText(options, '--vproto', protocol) +
    valueText(options, '--vaddr', address && addressWithMask(address)) +
    portText(options, '--vport', context) +
    wordText(options, '--vdir', ['ORIGINAL', 'REPLY']) +
    wordText(options, '--vmethod', ['GATE', 'IPIP', 'MASQ']) +
    portText(options, '--vportctl', context)
  );
});

function valueText(options: Options, name: string, value: string | number | undefined): string {
  return value === undefined ? '' : `${not(options.negated(name))} ${name} ${value}`;
}

function portText(options: Options, name: string, context: DecodeContext): string {
  const text = options.text(name);
  if (text === undefined) return '';
  const port = servicePortNumber(text, context.names);
  if (port === undefined) options.badValue(name, 'expected a port, a number or a service name');
  return valueText(options, name, port);
}

function wordText(options: Options, name: string, words: readonly string[]): string {
  const text = options.text(name)?.toUpperCase();
  if (text === undefined) return '';
  if (!words.includes(text)) options.badValue(name, `expected one of ${words.join(', ')}`);
  return valueText(options, name, text);
}
