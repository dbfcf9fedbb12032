// SPDX-License-Identifier: Apache-2.0
// Reading the options of one match or target: the checks that libxtables makes for all extensions
// (an option given twice, negated, missing, in bad company) and the values most of them share
// (integers as strtoul(3) with base 0 reads them, mark/mask, names). Every complaint goes to the
// context; after one, `failed` is true and the extension is not read.
import type { OptionNode } from '../ast/nodes.js';
import type { Span } from '../source/span.js';
import type { DecodeContext } from './extension.js';

/** What holds for one option besides its syntax, which grammar/extensions has. */
export interface OptionRule {
  readonly mandatory?: true;
  /** Options, with dashes, that may not stand beside it. */
  readonly excludes?: readonly string[];
  /** Options that must stand beside it. */
  readonly needs?: readonly string[];
  /** May be given more than once. */
  readonly multiple?: true;
  readonly negatable?: true;
}

export type OptionRules = Readonly<Record<string, OptionRule>>;

/** An unsigned integer at the start of a text, as strtoul(3) with base 0 takes it, and what follows it. */
export interface LeadingInteger {
  readonly value: bigint;
  readonly rest: string;
}

/** Undefined when the text does not start with an unsigned integer (a minus sign is refused). */
export function leadingInteger(text: string): LeadingInteger | undefined {
  const match = /^[ \t\n\v\f\r]*\+?(0[xX][0-9a-fA-F]+|[0-9]+)/.exec(text);
  if (match === null) return undefined;
  const digits = match[1]!;
  let used = digits;
  let value: bigint;
  if (/^0[xX]/.test(digits)) value = BigInt(digits);
  else if (digits.length > 1 && digits.startsWith('0')) {
    used = /^0[0-7]*/.exec(digits)![0];
    value = used.length > 1 ? BigInt('0o' + used.slice(1)) : 0n;
  } else value = BigInt(digits);
  const end = match[0].length - digits.length + used.length;
  return { value, rest: text.slice(end) };
}

/** The whole text as an unsigned integer from `min` to `max`; undefined when it is none. */
export function unsignedInteger(text: string, min: number, max: number): number | undefined {
  const parsed = leadingInteger(text);
  if (parsed === undefined || parsed.rest !== '') return undefined;
  if (parsed.value < BigInt(min) || parsed.value > BigInt(max)) return undefined;
  return Number(parsed.value);
}

export const UINT8_MAX = 0xff;
export const UINT16_MAX = 0xffff;
export const UINT32_MAX = 0xffffffff;

/** `value[/mask]`, both unsigned 32-bit; without a mask all bits. */
export function markAndMask(text: string): { readonly value: number; readonly mask: number } | undefined {
  const slash = text.indexOf('/');
  const value = unsignedInteger(slash < 0 ? text : text.slice(0, slash), 0, UINT32_MAX);
  const mask = slash < 0 ? UINT32_MAX : unsignedInteger(text.slice(slash + 1), 0, UINT32_MAX);
  return value === undefined || mask === undefined ? undefined : { value, mask };
}

export function hex(value: number, digits = 0): string {
  return '0x' + value.toString(16).padStart(digits, '0');
}

/** A word as iptables-save prints free text: bare when harmless, else in double quotes with `"`, `\` and `'` escaped. */
export function quoteSaved(text: string): string {
  return /^[-_0-9A-Za-z]+$/.test(text) ? text : '"' + text.replace(/["\\']/g, '\\$&') + '"';
}

interface OptionsNode {
  readonly name: string;
  readonly options: readonly OptionNode[];
  readonly span: Span;
}

/** The options of one extension, by name, with the common checks made. */
export class Options {
  /** True after any complaint. */
  failed = false;
  private readonly byName = new Map<string, OptionNode>();

  constructor(
    readonly node: OptionsNode,
    rules: OptionRules,
    readonly context: DecodeContext,
  ) {
    for (const option of node.options) this.add(option, rules);
    if (!this.failed) this.checkTogether(rules);
  }

  has(name: string): boolean {
    return this.byName.has(name);
  }

  get(name: string): OptionNode | undefined {
    return this.byName.get(name);
  }

  negated(name: string): boolean {
    return this.byName.get(name)?.negated ?? false;
  }

  /** The (first) argument of an option that is present. */
  text(name: string): string | undefined {
    return this.byName.get(name)?.args[0]?.text;
  }

  /** An integer argument; undefined when the option is absent or, after a complaint, wrong. */
  integer(name: string, min: number, max: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = unsignedInteger(text, min, max);
    if (value === undefined) this.badValue(name, `expected an integer from ${min} to ${max}`);
    return value;
  }

  markAndMask(name: string): { readonly value: number; readonly mask: number } | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const parsed = markAndMask(text);
    if (parsed === undefined) this.badValue(name, 'expected `value[/mask]`, each an integer of 32 bits');
    return parsed;
  }

  /** Complains of an option's argument. */
  badValue(name: string, expected: string, index = 0): undefined {
    const option = this.byName.get(name);
    const argument = option?.args[index];
    this.fail(
      argument ?? option ?? this.node,
      'IPT0220',
      `\`${argument?.text ?? ''}\` is no value for \`${name}\` of \`${this.node.name}\``,
      expected,
    );
    return undefined;
  }

  /** Complains of the extension as a whole, or of one option. */
  fail(at: { readonly span: Span }, code: string, message: string, help?: string): undefined {
    this.failed = true;
    return this.context.error(at, code, message, help);
  }

  private add(option: OptionNode, rules: OptionRules): void {
    const rule = rules[option.name];
    if (rule === undefined) {
      this.fail(option, 'IPT0221', `\`${this.node.name}\` has no option \`${option.name}\``);
      return;
    }
    if (this.byName.has(option.name) && rule.multiple !== true) {
      this.fail(option, 'IPT0222', `\`${option.name}\` of \`${this.node.name}\` is given twice`);
      return;
    }
    if (option.negated && rule.negatable !== true) {
      this.fail(option, 'IPT0223', `\`${option.name}\` of \`${this.node.name}\` cannot be negated`);
      return;
    }
    this.byName.set(option.name, option);
  }

  private checkTogether(rules: OptionRules): void {
    for (const [name, rule] of Object.entries(rules)) {
      const option = this.byName.get(name);
      if (option === undefined) {
        if (rule.mandatory === true)
          this.fail(this.node, 'IPT0224', `\`${this.node.name}\` needs \`${name}\``);
        continue;
      }
      for (const other of rule.excludes ?? []) {
        if (other === name || !this.byName.has(other)) continue;
        this.fail(
          option,
          'IPT0225',
          `\`${name}\` and \`${other}\` of \`${this.node.name}\` exclude each other`,
        );
        return;
      }
      for (const other of rule.needs ?? []) {
        if (this.byName.has(other)) continue;
        this.fail(option, 'IPT0226', `\`${name}\` of \`${this.node.name}\` needs \`${other}\``);
        return;
      }
    }
  }
}
