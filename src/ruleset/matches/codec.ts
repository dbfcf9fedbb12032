// SPDX-License-Identifier: Apache-2.0
// What the codecs of all matches share: option rules taken from the grammar's table, fidelity read from the
// support table. Where in a ruleset the kernel lets a match stand is in resolve/placement.ts.
import { findMatch } from '../../../grammar/scope.js';
import type { OptionNode } from '../../ast/nodes.js';
import type { Family } from '../../net/family.js';
import type { DecodeContext, MatchExtension, PrintContext } from '../extension.js';
import { Options, type OptionRule, type OptionRules } from '../options.js';
import { MATCH_SUPPORT } from '../support/matches.js';
import { extensionFidelity } from '../support/support.js';
import { onlyProtocol } from '../targets/protocol.js';
import type { OpaqueMatch } from './opaque.js';

/** What a match file says of its options beyond the grammar's table. */
export type OptionChecks = Readonly<Record<string, Pick<OptionRule, 'mandatory' | 'excludes' | 'needs'>>>;

function familiesOf(name: string): readonly Family[] {
  return (['ipv4', 'ipv6'] as const).filter((family) => findMatch(name, family) !== undefined);
}

function rulesOf(name: string, family: Family, checks: OptionChecks): OptionRules {
  const shape = findMatch(name, family)!;
  return Object.fromEntries(
    shape.options.map((option) => [
      option.name,
      {
        ...(option.invertible && { negatable: true as const }),
        ...(option.repeatable && { multiple: true as const }),
        ...checks[option.name],
      },
    ]),
  );
}

export interface MatchCodecParts<Payload> {
  readonly name: string;
  readonly checks?: OptionChecks;
  /** Called with options whose common checks passed; returns undefined after a complaint. */
  read(options: Options, context: DecodeContext): Payload | undefined;
  print(payload: Payload, context: PrintContext): string;
  /** Options in use, by long name, as far as the support table has rows for them. */
  used?(payload: Payload): readonly string[];
}

/** The codec of a match with a typed payload. */
export function matchCodec<Payload>(parts: MatchCodecParts<Payload>): MatchExtension<Payload> {
  const { name } = parts;
  const rules = {
    ipv4: findMatch(name, 'ipv4') && rulesOf(name, 'ipv4', parts.checks ?? {}),
    ipv6: findMatch(name, 'ipv6') && rulesOf(name, 'ipv6', parts.checks ?? {}),
  };
  return {
    name,
    families: familiesOf(name),
    decode(node, context) {
      const options = new Options(node, rules[context.family]!, context);
      if (options.failed) return undefined;
      const payload = parts.read(options, context);
      return options.failed ? undefined : payload;
    },
    print: (payload, context) => parts.print(payload, context),
    fidelity: (payload) =>
      extensionFidelity(
        MATCH_SUPPORT[name]!,
        (parts.used?.(payload) ?? []).map((option) => ({ name: option })),
      ),
  };
}

/** The codec of a match whose options are checked and put into canonical text at once. */
export function opaqueMatch(
  name: string,
  checks: OptionChecks,
  canonical: (options: Options, context: DecodeContext) => string,
): MatchExtension<OpaqueMatch> {
  return matchCodec<OpaqueMatch>({
    name,
    checks,
    read: (options, context) => ({
      kind: 'opaque',
      name,
      canonical: canonical(options, context),
      options: options.node.options,
    }),
    print: (payload) => payload.canonical,
    used: (payload) => payload.options.map((option: OptionNode) => option.name),
  });
}

/** Checks of options of which at most one may be given. */
export function exclusive(...names: readonly string[]): OptionChecks {
  return Object.fromEntries(names.map((name) => [name, { excludes: names }]));
}

/** Complains unless one of `names` is there. */
export function needsOneOf(options: Options, ...names: readonly string[]): void {
  if (names.some((name) => options.has(name))) return;
  options.fail(
    options.node,
    'IPT0227',
    `\`${options.node.name}\` needs one of ${names.map((name) => `\`${name}\``).join(', ')}`,
  );
}

/** Complains unless the rule is limited to one of these protocols. */
export function needsProtocol(options: Options, context: DecodeContext, ...names: readonly string[]): void {
  const protocol = onlyProtocol(context);
  const numbers = names.map((name) => context.names.protocol(name));
  if (protocol !== undefined && numbers.includes(protocol)) return;
  options.fail(
    options.node,
    'IPT0240',
    `\`-m ${options.node.name}\` needs ${names.map((name) => `\`-p ${name}\``).join(' or ')} in the same rule`,
    'the kernel refuses the rule without it',
  );
}
