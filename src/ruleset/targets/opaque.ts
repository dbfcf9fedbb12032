// SPDX-License-Identifier: Apache-2.0
// A target that is read, checked and printed, but whose meaning is not carried over.
import type { OptionNode } from '../../ast/nodes.js';
import type { Family } from '../../net/family.js';
import type { DecodeContext, TargetExtension } from '../extension.js';
import { Options, type OptionRules } from '../options.js';
import { extensionFidelity } from '../support/support.js';
import { TARGET_SUPPORT } from '../support/targets.js';

export interface OpaqueTarget {
  readonly kind: 'opaque';
  readonly name: string;
  /** Canonical text after `-j name`, as iptables-save prints it (with its leading space, or empty). */
  readonly canonical: string;
  readonly options: readonly OptionNode[];
}

export const BOTH_FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

/**
 * The codec of a target whose options are checked and put into canonical text at once. `canonical`
 * returns the words with a leading space each; what it complains of through `options` makes it fail.
 */
export function opaqueTarget(
  name: string,
  families: readonly Family[],
  rules: OptionRules,
  canonical: (options: Options, context: DecodeContext) => string,
): TargetExtension<OpaqueTarget> {
  return {
    name,
    families,
    decode(node, context) {
      const options = new Options(node, rules, context);
      if (options.failed) return undefined;
      const text = canonical(options, context);
      return options.failed ? undefined : { kind: 'opaque', name, canonical: text, options: node.options };
    },
    print: (payload) => payload.canonical,
    fidelity: (payload) => extensionFidelity(TARGET_SUPPORT[name]!, payload.options),
  };
}

/** Words behind options that take no argument, in the order given here, for those that are present. */
export function flags(options: Options, names: readonly string[]): string {
  return names
    .filter((name) => options.has(name))
    .map((name) => ` ${name}`)
    .join('');
}

/** Complains unless at least one of `names` is there. */
export function requireOneOf(options: Options, names: readonly string[]): boolean {
  if (names.some((name) => options.has(name))) return true;
  options.fail(
    options.node,
    'IPT0227',
    `\`${options.node.name}\` needs one of ${names.map((name) => `\`${name}\``).join(', ')}`,
  );
  return false;
}

/** The rules of options of which exactly one may be given. */
export function oneOf(...names: readonly string[]): OptionRules {
  return Object.fromEntries(names.map((name) => [name, { excludes: names }]));
}
